package remote

import (
	"net/url"
	"strings"

	"ostiary/pipeline"
)

// ParseURL reads the address of a service. at is where the configuration has
// it, for the [pipeline.Mistake] that an error is.
func ParseURL(text string, at ...string) (*url.URL, error) {
	service, err := url.Parse(text)
	if err != nil || (service.Scheme != "http" && service.Scheme != "https") || service.Host == "" ||
		strings.Contains(service.RawQuery, " ") { // which would end the target in the request line
		return nil, &pipeline.Mistake{Path: at, Message: "is not a URL of the form http://host:port/path"}
	}
	if service.Path == "" {
		service.Path = "/" // or what is joined to it would not begin with one
	}
	return service, nil
}
