// Package authn holds the authenticators: the handlers that find out who sends
// a request (contract section 5). Each has a file, a schema and a test named
// after its id in access rules. They know nothing of rules, of each other, or
// of what becomes of the session they fill in.
package authn

import (
	"ostiary/pipeline"
)

// Handlers are all the authenticators.
var Handlers = []pipeline.Definition[pipeline.Authenticator]{
	anonymous,
	bearerToken,
	cookieSession,
	jwt,
	kratosSession,
	noop,
	oauth2ClientCredentials,
	oauth2Introspection,
	unauthorized,
}
