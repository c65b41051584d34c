// Package mutate holds the mutators: the handlers that turn what is known of a
// session into what the upstream gets to see (contract section 7). Each has a
// file, a schema and a test named after its id in access rules. They know
// nothing of rules, of each other, or of how their headers travel.
package mutate

import "ostiary/pipeline"

// Handlers are all the mutators.
var Handlers = []pipeline.Definition[pipeline.Mutator]{
	cookie,
	header,
	hydrator,
	idToken,
	noop,
}
