package onerror

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
	"ostiary/pipeline"
)

//go:embed when.schema.json
var whenSchema []byte

// withWhen adds the property `when`, which all error handlers share, to the
// schema of one.
func withWhen(schema []byte) []byte {
	var whole, when map[string]any
	for text, into := range map[*[]byte]*map[string]any{&schema: &whole, &whenSchema: &when} {
		if err := json.Unmarshal(*text, into); err != nil {
			panic(err) // the schemas are part of the program
		}
	}
	properties, _ := whole["properties"].(map[string]any)
	properties["when"] = when
	text, err := json.Marshal(whole)
	if err != nil {
		panic(err)
	}
	return text
}

type clauseConfig struct {
	Error   []string `json:"error"`
	Request struct {
		CIDR     []string `json:"cidr"`
		RemoteIP struct {
			Match                     []string `json:"match"`
			RespectForwardedForHeader bool     `json:"respect_forwarded_for_header"`
		} `json:"remote_ip"`
		Header struct {
			Accept      []string `json:"accept"`
			ContentType []string `json:"content_type"`
		} `json:"header"`
	} `json:"request"`
}

// when is the list of conditions of an error handler (contract 8.5). One of
// them has to hold; without any, the handler is responsible for everything.
type when struct {
	clauses []clause
	login   bool // the handler sends people to log in, which mends no outage
}

// clause is one condition: all the parts that it has must hold.
type clause struct {
	errors      []string
	networks    []netip.Prefix // of the client
	peers       []netip.Prefix // of the connection, or of the client if forwarded is set
	forwarded   bool
	accept      []string
	contentType []string
}

func newWhen(configured []clauseConfig, login bool) (when, error) {
	w := when{login: login}
	for i, c := range configured {
		at := document.Path{"when", strconv.Itoa(i), "request"}
		networks, err := prefixes(c.Request.CIDR, at.With("cidr"))
		if err != nil {
			return when{}, err
		}
		peers, err := prefixes(c.Request.RemoteIP.Match, at.With("remote_ip", "match"))
		if err != nil {
			return when{}, err
		}
		w.clauses = append(w.clauses, clause{
			errors:      c.Error,
			networks:    networks,
			peers:       peers,
			forwarded:   c.Request.RemoteIP.RespectForwardedForHeader,
			accept:      lower(c.Request.Header.Accept),
			contentType: lower(c.Request.Header.ContentType),
		})
	}
	return w, nil
}

func prefixes(texts []string, at document.Path) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for i, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			message := fmt.Sprintf("%q is not a network such as 10.0.0.0/8", text)
			return nil, &pipeline.Mistake{Path: at.With(strconv.Itoa(i)), Message: message}
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

func lower(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = strings.ToLower(text)
	}
	return all
}

// Responsible reports whether one of the conditions holds. A login page or a
// challenge is only an answer to an outage or a malformed request if a
// condition names that error (contract 14, outages).
func (w when) Responsible(request *pipeline.Request, refusal error) bool {
	kind := pipeline.KindOf(refusal)
	onlyNamed := w.login && kind.OnlyIfNamed()
	if len(w.clauses) == 0 {
		return !onlyNamed
	}
	for _, c := range w.clauses {
		if (len(c.errors) > 0 || !onlyNamed) && c.holds(request, kind) {
			return true
		}
	}
	return false
}

func (c *clause) holds(request *pipeline.Request, kind pipeline.Kind) bool {
	address := request.Peer
	if c.forwarded {
		address = request.Client
	}
	return (len(c.errors) == 0 || slices.ContainsFunc(c.errors, kind.Called)) &&
		within(request.Client, c.networks) &&
		within(address, c.peers) &&
		(len(c.accept) == 0 || matchAny(accepted(request.Header), c.accept)) &&
		(len(c.contentType) == 0 || matchAny(contentType(request.Header), c.contentType))
}

func within(address netip.Addr, networks []netip.Prefix) bool {
	return len(networks) == 0 || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// unnamedType stands for a type that the client does not name.
const unnamedType = "application/octet-stream"

// accepted are the media types of the Accept header, without parameters and
// whatever their rank: naming a type is enough.
func accepted(header http.Header) []string {
	var types []string
	for _, line := range header["Accept"] {
		for entry := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(entry, ";")
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				types = append(types, name)
			}
		}
	}
	if len(types) == 0 {
		return []string{unnamedType}
	}
	return types
}

// contentType is the media type of the body; none if the header cannot be
// read, so that no condition on it holds.
func contentType(header http.Header) []string {
	value := header.Get("Content-Type")
	if value == "" {
		return []string{unnamedType}
	}
	name, _, err := mime.ParseMediaType(value)
	if err != nil {
		return nil
	}
	return []string{name}
}

// matchAny reports whether one of the types is one of the wanted. */* and
// type/* are wildcards in what is wanted only: a client that sends */* does
// not ask for any type in particular.
func matchAny(types, wanted []string) bool {
	for _, want := range wanted {
		prefix, isWildcard := strings.CutSuffix(want, "*")
		if want == "*/*" && len(types) > 0 {
			return true
		}
		for _, is := range types {
			if is == want || (isWildcard && strings.HasSuffix(prefix, "/") && strings.HasPrefix(is, prefix)) {
				return true
			}
		}
	}
	return false
}
