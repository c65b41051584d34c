package handlers

import (
	"net/http"
	"time"
)

// Proxy decides on every request that comes to it and forwards those that are
// allowed. It has no addresses of its own.
type Proxy struct {
	Decider   Decider
	Recorder  Recorder
	Trust     Trust
	Forwarder *Forwarder
	Timeouts  Timeouts // of the listener
}

// ServeHTTP decides and forwards.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := observe(w)
	record := Record{Service: ProxyService, HTTP: r}
	started := time.Now()
	defer func() { // also when an upstream that broke off aborts the connection
		record.Status, record.Size, record.Took = answer.status, answer.size, time.Since(started)
		p.Recorder.Record(&record)
	}()

	request, refusal := proxyRequest(r, p.Trust)
	record.Request = request
	if answer.refusal != nil {
		refusal = answer.refusal
	}
	if refusal != nil {
		decision := p.Decider.Refuse(request, refusal)
		record.Decision = &decision
		write(answer, decision.Response)
		return
	}
	decision := p.Decider.Decide(r.Context(), request)
	record.Decision = &decision
	if !decision.Allowed {
		write(answer, decision.Response)
		return
	}
	setCookies(answer.Header(), decision.Session)
	answer.pace = newPace(w, r, p.Timeouts)
	p.Forwarder.forward(answer, &record)
}
