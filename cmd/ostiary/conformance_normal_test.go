package main_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// anything stands, in expectations and normal forms, for a value that is not compared.
const anything = "<any>"

// transportHeaders are the transport's business and never compared.
var transportHeaders = []string{
	"accept-encoding", "b3", "baggage", "connection", "content-length", "date", "keep-alive", "server", "traceparent",
	"tracestate", "transfer-encoding", "uber-trace-id", "user-agent", "x-forwarded-for", "x-request-id",
}

// headerValues are the comparable values of a header, or nil when there is none.
func headerValues(headers map[string][]string, name string) any {
	values := headers[strings.ToLower(name)]
	if len(values) == 0 || slices.Contains(transportHeaders, strings.ToLower(name)) {
		return nil
	}
	out := make([]any, len(values))
	for i, value := range values {
		out[i] = readToken(value)
	}
	return out
}

// answerBody is a client's view of a body: JSON as a value, an error document by its code and status alone, a
// text as it is, and an error page not at all.
func answerBody(a answer) any {
	value, err := parseJSON(a.body)
	if err != nil {
		if a.status < 300 {
			return a.body
		}
		return anything
	}
	document, _ := value.(map[string]any)
	if problem, ok := document["error"].(map[string]any); ok {
		return map[string]any{"error": map[string]any{"code": problem["code"], "status": problem["status"]}}
	}
	return value
}

// anyBody is JSON as a value and everything else as text.
func anyBody(text string) any {
	value, err := parseJSON(text)
	if err != nil {
		return text
	}
	return value
}

var tokenPattern = regexp.MustCompile(`^(?:[Bb]earer )?(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]+$`)

// readToken decodes a header value that is a JWT, and returns any other value as it is. The key id, the times and
// the token id differ from run to run: of them only the lifetime can be compared.
func readToken(value string) any {
	match := tokenPattern.FindStringSubmatch(value)
	if match == nil {
		return value
	}
	header, headerErr := tokenPart(match[1])
	claims, claimsErr := tokenPart(match[2])
	if headerErr != nil || claimsErr != nil {
		return value
	}
	delete(header, "kid")
	lifetime := subtract(claims["exp"], claims["iat"])
	for _, name := range []string{"iat", "exp", "nbf", "jti"} {
		if _, ok := claims[name]; ok {
			claims[name] = anything
		}
	}
	return map[string]any{"jwt": map[string]any{"header": header, "claims": claims, "lifetime_s": lifetime}}
}

func tokenPart(encoded string) (map[string]any, error) {
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	value, err := parseJSON(string(text))
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	return object, nil
}

// subtract is the difference of two JSON numbers, or nil where one is missing.
func subtract(a, b any) any {
	from, ok := a.(json.Number)
	less, also := b.(json.Number)
	if !ok || !also {
		return nil
	}
	x, _ := new(big.Rat).SetString(from.String())
	y, _ := new(big.Rat).SetString(less.String())
	return decimal(x.Sub(x, y))
}

// parseJSON reads one JSON value into its canonical form.
func parseJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return canonical(value), nil
}

// canonical gives equal numbers one form, whatever their size: 1, 1.0 and 10e-1 compare as equal, and two
// identifiers of 17 digits do not because they round to one float.
func canonical(value any) any {
	switch v := value.(type) {
	case json.Number:
		if number, ok := new(big.Rat).SetString(v.String()); ok {
			return decimal(number)
		}
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = canonical(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = canonical(item)
		}
		return out
	}
	return value
}

// decimal writes a number out in full.
func decimal(number *big.Rat) json.Number {
	digits, _ := number.FloatPrec()
	return json.Number(number.FloatString(digits))
}
