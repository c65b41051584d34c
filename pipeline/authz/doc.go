// Package authz holds the authorizers: the handlers that decide whether a
// session may do what its request asks (contract section 6). Each has a file,
// a schema and a test named after its id in access rules. They know nothing of
// rules, of each other, or of how a refusal is answered.
package authz

import "ostiary/pipeline"

// Handlers are all the authorizers.
var Handlers = []pipeline.Definition[pipeline.Authorizer]{
	allow,
	celAuthorizer,
	deny,
	keto,
	ketoEngine,
	remoteAuthorizer,
	remoteJSON,
}
