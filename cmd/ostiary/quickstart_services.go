package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

//go:embed quickstart/page.html
var quickstartPageText string

var quickstartPage = template.Must(template.New("page").Parse(quickstartPageText))

type page struct {
	Title, Picture string
	Lines          []string
	Links          []link
	Login          bool
	ReturnTo       string
}

type link struct{ To, Text string }

// show answers with a page, or with its lines if a program asks.
func show(w http.ResponseWriter, r *http.Request, status int, p page) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s\n%s\n", p.Title, strings.Join(p.Lines, "\n"))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = quickstartPage.Execute(w, p) // the browser is gone, then
}

// protected is the upstream of the quickstart: it has no login of its own and
// shows what it gets to see.
func protected(login func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("X-User")
		p := page{Title: "The upstream was reached", Picture: "\U0001F6AA", Lines: []string{
			fmt.Sprintf("It was asked for %s %s", r.Method, r.URL.Path),
			"and told X-User: " + user,
		}}
		if user == "anonymous" {
			p.Links = []link{{"/reports", "The reports want a session"}, {"/vault", "The vault is for nobody"}}
		} else {
			p.Links = []link{{"/", "Back to the first page"}, {login() + "/logout", "Log out"}}
		}
		show(w, r, http.StatusOK, p)
	})
}

const sessionCookie = "quickstart_session"

// sessionService is the session store of the quickstart, with a login page
// that believes everybody. It answers at the path where Kratos would.
type sessionService struct {
	proxy string // the only address that a login leads back to

	mutex    sync.Mutex
	sessions map[string]string // names by cookie
}

func (s *sessionService) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		show(w, r, http.StatusOK, page{
			Title: "Who are you?", Picture: "\U0001F511", Login: true, ReturnTo: r.URL.Query().Get("return_to"),
			Lines: []string{"This is the login page of the session service. Any name will do."},
		})
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /logout", s.logout)
	mux.HandleFunc("GET /sessions/whoami", s.whoami)
	return mux
}

var name = regexp.MustCompile(`^[a-z]{1,32}$`)

func (s *sessionService) login(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	if !name.MatchString(user) {
		show(w, r, http.StatusBadRequest, page{Title: "That is no name", Picture: "\U0001F511", Lines: []string{"A name is up to 32 small letters."}})
		return
	}
	token := rand.Text()
	s.mutex.Lock()
	s.sessions[token] = user
	s.mutex.Unlock()
	//nolint:gosec // not Secure: the tour is on loopback, without TLS
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, s.safe(r.PostFormValue("return_to")), http.StatusSeeOther) //nolint:gosec // safe leads to the proxy only
}

// safe is where a login leads to: back to the proxy and to nobody else.
func (s *sessionService) safe(returnTo string) string {
	target, err := url.Parse(returnTo)
	if err == nil && target.User == nil && target.Scheme+"://"+target.Host == s.proxy {
		return target.String()
	}
	return s.proxy + "/reports"
}

func (s *sessionService) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mutex.Lock()
		delete(s.sessions, cookie.Value)
		s.mutex.Unlock()
	}
	http.Redirect(w, r, s.proxy+"/", http.StatusSeeOther)
}

func (s *sessionService) whoami(w http.ResponseWriter, r *http.Request) {
	user := ""
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mutex.Lock()
		user = s.sessions[cookie.Value]
		s.mutex.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	if user == "" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"error":{"code":401,"status":"Unauthorized"}}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{ // the engine is gone, then
		"active":   true,
		"identity": map[string]any{"id": user, "traits": map[string]string{"name": user}},
	})
}
