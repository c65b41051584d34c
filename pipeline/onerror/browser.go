package onerror

import (
	"net/http"
	"slices"
	"strings"

	"ostiary/pipeline"
)

// isNavigation reports whether a request is one of a browser that goes to
// another page. What a script of the page asks for is none, and neither is what
// programs ask for: nobody would see the page that they are sent to. Browsers
// tell (https://www.w3.org/TR/fetch-metadata); of those that do not, who asks for
// HTML by name is taken for one.
func isNavigation(request *pipeline.Request) bool {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		return false
	}
	if mode := request.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	if strings.EqualFold(request.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return false
	}
	types := accepted(request.Header)
	return slices.Contains(types, "text/html") || slices.Contains(types, "application/xhtml+xml")
}
