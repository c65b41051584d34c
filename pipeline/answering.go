package pipeline

import "fmt"

// answering is a list of error handlers, in the order of the rule or of the
// configuration's fallback.
type answering []answerer

type answerer struct {
	id      string
	handler ErrorHandler
	usable  bool // false: unknown, not enabled, or its configuration is wrong
}

// answer selects the one error handler that answers a refusal: exactly one of
// the rule's may be responsible; if none is, the first responsible one of the
// fallback is taken (contract 8.1). When that fails, the client gets a plain
// document that says so, because an operator has to see it; an outage that
// only login pages are configured for stays the outage it is.
func (p *Pipeline) answer(request *Request, refusal error) Response {
	responsible, trouble := p.errors.only(request, refusal)
	if trouble == "" && responsible == nil {
		responsible, trouble = p.fallback.first(request, refusal)
	}
	switch {
	case trouble != "":
	case responsible != nil:
		return responsible.Respond(request, refusal)
	case KindOf(refusal).OnlyIfNamed():
		return ErrorResponse(refusal, request.Header.Get("X-Request-Id"), false)
	default:
		trouble = "no error handler is responsible for this request"
	}
	return troubleResponse(trouble, request.Header.Get("X-Request-Id"))
}

// only is the responsible handler of a rule, or nil, or what is wrong with them.
func (a answering) only(request *Request, refusal error) (found ErrorHandler, trouble string) {
	for _, one := range a {
		switch {
		case !one.usable:
			return nil, fmt.Sprintf("the error handler %q of the rule is unknown, not enabled or misconfigured", one.id)
		case !one.handler.Responsible(request, refusal):
		case found != nil:
			return nil, "more than one error handler of the rule is responsible for this request"
		default:
			found = one.handler
		}
	}
	return found, ""
}

// first is the responsible handler of the fallback, or nil, or what is wrong
// with them.
func (a answering) first(request *Request, refusal error) (found ErrorHandler, trouble string) {
	for _, one := range a {
		if !one.usable {
			return nil, fmt.Sprintf("the error handler %q of errors.fallback is unknown, not enabled or misconfigured", one.id)
		}
		if one.handler.Responsible(request, refusal) {
			return one.handler, ""
		}
	}
	return nil, ""
}
