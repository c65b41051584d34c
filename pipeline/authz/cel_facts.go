package authz

import (
	"fmt"
	"net/url"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"ostiary/pipeline"
)

// facts are the values of the variables for one request.
type facts struct {
	request *pipeline.Request
	session *pipeline.Session
	extra   map[string]any // of the session

	parameters map[string][]string // of the query, once somebody asks
	header     ref.Val             // likewise
}

// ResolveName is the value of a variable.
func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "request":
		return f, true
	case "subject":
		return f.session.Subject, true
	case "extra":
		return f.extra, true
	case "captures":
		groups, err := f.session.MatchContext.RegexpCaptureGroups()
		if err != nil {
			return types.WrapErr(err), true
		}
		return groups, true
	default:
		return nil, false
	}
}

// Parent is nothing: there are no other variables.
func (*facts) Parent() cel.Activation { return nil }

// client is the client's address in its shortest form; an IPv4 address that
// travels as IPv6 is an IPv4 address.
func (f *facts) client() string { return f.request.Client.Unmap().WithZone("").String() }

// query are the parameters of the query. One that servers read in different
// ways is an error, so that nothing is allowed because a parameter seems not
// to be there.
func (f *facts) query() (map[string][]string, error) {
	if f.parameters != nil {
		return f.parameters, nil
	}
	if err := bound("query", len(f.request.RawQuery)); err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(f.request.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query: %w", err)
	}
	f.parameters = values
	return values, nil
}

// headers are all values of all headers. Their names are in lower case, and
// are found in any.
func (f *facts) headers() (ref.Val, error) {
	if f.header != nil {
		return f.header, nil
	}
	all, length := make(map[string][]string, len(f.request.Header)), 0
	for name, values := range f.request.Header {
		all[strings.ToLower(name)] = values
		length += len(name)
		for _, value := range values {
			length += len(value)
		}
	}
	if err := bound("headers", length); err != nil {
		return nil, err
	}
	f.header = headerMap{types.NewDynamicMap(types.DefaultTypeAdapter, all)}
	return f.header, nil
}

// bound refuses to go through a part of a request that is too long.
func bound(part string, length int) error {
	if length > maxText {
		return fmt.Errorf("the %s of the request: more than %d bytes", part, maxText)
	}
	return nil
}

// headerMap finds values by the name of a header, however it is written.
type headerMap struct{ traits.Mapper }

// Find looks for the values of a header.
func (h headerMap) Find(name ref.Val) (ref.Val, bool) { return h.Mapper.Find(folded(name)) }

// Get gives the values of a header.
func (h headerMap) Get(name ref.Val) ref.Val { return h.Mapper.Get(folded(name)) }

// Contains tells whether there is a header.
func (h headerMap) Contains(name ref.Val) ref.Val { return h.Mapper.Contains(folded(name)) }

func folded(name ref.Val) ref.Val {
	if text, ok := name.(types.String); ok {
		return types.String(strings.ToLower(string(text)))
	}
	return name
}
