package main

import (
	"context"
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"

	"ostiary/testdata/deploy/operational-auth/login"
)

// pages are the servers of this process.
type pages []*http.Server

// startPages starts the login page and the services.
func (s *site) startPages(ctx context.Context) (started pages, err error) {
	for address, handler := range map[string]http.Handler{
		s.login:   login.Page("http://" + s.public),
		s.metrics: service("Metrics", s.domain),
		s.alerts:  service("Alerts", s.domain),
	} {
		socket, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			started.stop()
			return nil, err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		go server.Serve(socket) //nolint:errcheck // it ends when it is closed
		started = append(started, server)
	}
	return started, nil
}

func (p pages) stop() {
	for _, server := range p {
		_ = server.Close() // or it is closed
	}
}

//go:embed service.html
var serviceText string

var servicePage = template.Must(template.New("service").Parse(serviceText))

// service has no login of its own, and shows what Ostiary tells it about who asks.
func service(title, domain string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := struct {
			Title, Asked, Domain string
			Told                 [][2]string
		}{Title: title, Asked: r.Method + " " + r.URL.Path, Domain: domain}
		for _, name := range []string{"X-User-Id", "X-User-Mail", "X-User-Aal"} {
			shown.Told = append(shown.Told, [2]string{name, r.Header.Get(name)})
		}
		kind, as := "text/plain", "text"
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			kind, as = "text/html", "page"
		}
		w.Header().Set("Content-Type", kind+"; charset=utf-8")
		_ = servicePage.ExecuteTemplate(w, as, shown) // who asked is gone, then
	})
}
