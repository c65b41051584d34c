// Package onerror holds the error handlers: the handlers that answer a client
// that was refused (contract section 8). Each has a file, a schema and a test
// named after its id in access rules; the conditions under which one of them
// is responsible are the same for all. They know nothing of rules and of each
// other, and they return their answer as data.
package onerror

import "ostiary/pipeline"

// Handlers are all the error handlers.
var Handlers = []pipeline.Definition[pipeline.ErrorHandler]{
	jsonDocument,
	redirect,
	wwwAuthenticate,
}
