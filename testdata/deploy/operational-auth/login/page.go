// Package login is a login page for Ory Kratos: it shows Kratos' self-service flows as plain HTML forms, which work
// with a keyboard, with a screen reader and without scripts.
//
// The page learns nobody's password. A form goes from the browser to Kratos itself; the page only asks Kratos, with
// the browser's own cookies, what the form has to look like.
//
// Kratos' public API (/self-service/ and /sessions/) has to be reachable on the page's own host, and the ui_url of
// each flow has to be the path of its name, such as /login.
package login

import (
	"cmp"
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// titles are the flows that are shown, with what people call them.
var titles = map[string]string{"login": "Sign in", "registration": "Sign up", "settings": "Your account"}

// Page is the login page. It reaches Kratos' public API at this address itself.
func Page(public string) http.Handler {
	p := page{kratos(strings.TrimSuffix(public, "/"))}
	mux := http.NewServeMux()
	for kind := range titles {
		mux.HandleFunc("GET /"+kind, func(w http.ResponseWriter, r *http.Request) { p.flow(w, r, kind) })
	}
	mux.HandleFunc("GET /error", p.mishap)
	mux.HandleFunc("GET /welcome", p.welcome)
	mux.Handle("GET /{$}", http.RedirectHandler("/welcome", http.StatusSeeOther))
	return mux
}

type page struct{ kratos kratos }

// content is what a page says.
type content struct {
	Title    string
	Messages []message
	Forms    []form
	Links    []link
}

type link struct{ To, Text string }

// flow shows the flow whose id is in the query, and has Kratos begin one if there is none.
func (p page) flow(w http.ResponseWriter, r *http.Request, kind string) {
	query := r.URL.Query()
	if !query.Has("flow") {
		http.Redirect(w, r, beginning(kind, query).To, http.StatusSeeOther)
		return
	}
	var shown flow
	if err := p.kratos.get(r, "/self-service/"+kind+"/flows", url.Values{"id": query["flow"]}, &shown); err != nil {
		p.fail(w, r, err, beginning(kind, nil))
		return
	}
	c := content{Title: titles[kind], Messages: shown.UI.Messages, Forms: shown.forms(), Links: p.logout(r)}
	if len(c.Forms) == 0 { // Kratos wants a second factor of somebody who has none
		c.Messages = []message{{Text: "Your account has no second factor yet.", Type: "error"}}
		c.Links = append(c.Links, beginning("settings", url.Values{"return_to": {shown.ReturnTo}}))
	}
	p.show(w, http.StatusOK, c)
}

// beginning is where Kratos begins a flow. What asks for a special one is taken along.
func beginning(kind string, query url.Values) link {
	taken := url.Values{}
	for _, name := range []string{"return_to", "aal", "refresh"} {
		if value := query.Get(name); value != "" {
			taken.Set(name, value)
		}
	}
	address := url.URL{Path: "/self-service/" + kind + "/browser", RawQuery: taken.Encode()}
	return link{address.String(), titles[kind]}
}

// mishap shows an error that Kratos keeps for this page.
func (p page) mishap(w http.ResponseWriter, r *http.Request) {
	kept := &refusal{}
	err := p.kratos.get(r, "/self-service/errors", url.Values{"id": r.URL.Query()["id"]}, kept)
	if err == nil {
		err = kept
	}
	p.fail(w, r, err, beginning("login", nil))
}

// welcome tells people who they are.
func (p page) welcome(w http.ResponseWriter, r *http.Request) {
	var session struct {
		Identity struct {
			ID     string
			Traits struct{ Email string }
		}
	}
	if err := p.kratos.get(r, "/sessions/whoami", nil, &session); err != nil {
		p.fail(w, r, err, beginning("login", nil))
		return
	}
	name := cmp.Or(session.Identity.Traits.Email, session.Identity.ID)
	p.show(w, http.StatusOK, content{
		Title: "Welcome", Messages: []message{{Text: "You are signed in as " + name + "."}},
		Links: append(p.logout(r), beginning("settings", nil)),
	})
}

// logout is the link that ends the session, if there is one. It holds a secret of the session, so that no other
// site can log people out.
func (p page) logout(r *http.Request) []link {
	var found struct {
		Address string `json:"logout_url"`
	}
	if p.kratos.get(r, "/self-service/logout/browser", nil, &found) != nil {
		return nil
	}
	return []link{{found.Address, "Sign out"}}
}

// fail answers for what Kratos did not give. It follows where Kratos wants the browser to go first, and leaves any
// other step to people, so that nobody is sent round in circles.
func (p page) fail(w http.ResponseWriter, r *http.Request, err error, next link) {
	refused := &refusal{}
	switch {
	case !errors.As(err, &refused):
		slog.ErrorContext(r.Context(), "Kratos gives no answer", "error", err)
		p.show(w, http.StatusBadGateway, content{Title: "This does not work at the moment", Links: []link{next}})
	case refused.next() != "":
		http.Redirect(w, r, refused.next(), http.StatusSeeOther)
	case refused.status() == http.StatusUnauthorized:
		p.show(w, refused.status(), content{Title: "You are not signed in", Links: []link{beginning("login", nil)}})
	default:
		why := []message{{Text: refused.Error(), Type: "error"}}
		p.show(w, refused.status(), content{Title: "That did not work", Messages: why, Links: []link{next}})
	}
}

func (p page) show(w http.ResponseWriter, status int, c content) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, c) // the browser is gone, then
}
