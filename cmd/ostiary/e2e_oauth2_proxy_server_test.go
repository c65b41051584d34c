//go:build e2e

package main_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oauth2Proxy is an oauth2-proxy, which logs browsers in at an issuer, with the engine as what guards the services.
type oauth2Proxy struct {
	*server
	host   string            // with its port
	names  map[string]string // of its addresses and secrets, in files
	issuer *issuer
	gate   *gate
}

// The services have these names, as far as browsers know, and so has oauth2-proxy.
const (
	finance     = "http://finance.gate.test"
	engineering = "http://engineering.gate.test"
	loginPage   = "http://login.gate.test"
)

// sessionCookie is where oauth2-proxy keeps a session.
const sessionCookie = "_oauth2_proxy"

// staff are those who can log in, with their groups.
var staff = map[string][]string{
	"fiona": {"staff", "finance"},
	"erik":  {"staff", "engineering"},
	"beate": {"engineering", "finance"},
	"ingo":  {"finance-interns", "not engineering"},
	"nora":  nil,
	"omar":  append(manyGroups(), "finance"),
}

// manyGroups are more than fit into one cookie.
func manyGroups() []string {
	var groups []string
	for range 60 {
		groups = append(groups, rand.Text())
	}
	return groups
}

// startOAuth2Proxy starts an issuer, and oauth2-proxy with these arguments beside its configuration.
func startOAuth2Proxy(t *testing.T, more ...string) *oauth2Proxy {
	t.Helper()
	client := relyingParty{"gate", rand.Text(), loginPage + "/oauth2/callback"}
	o := &oauth2Proxy{issuer: startIssuer(t, client, staff), host: "127.0.0.1:" + strconv.Itoa(freePort(t))}
	o.names = map[string]string{
		"ADDRESS": o.host, "OAUTH2_PROXY": "http://" + o.host, "LOGIN": loginPage, "COOKIE_SECRET": rand.Text()[:24],
		"ISSUER": o.issuer.server.URL, "CLIENT_ID": client.id, "CLIENT_SECRET": client.secret, "CALLBACK": client.callback,
	}
	o.server = openServer(t, component{name: "oauth2-proxy"}, o.names, "oauth2-proxy.cfg")
	o.args = append([]string{"--config", "oauth2-proxy.cfg"}, more...)
	o.ready = []string{"http://" + o.host + "/ready"}
	o.start(t)
	return o
}

// guard puts the engine with these rules in front of the services.
func (o *oauth2Proxy) guard(t *testing.T, guards []guard) {
	t.Helper()
	o.gate = startGate(t, "oauth2-proxy/engine.yaml", o.names, guards)
}

// address is where a browser finds the host of that name.
func (o *oauth2Proxy) address(host string) (string, error) {
	switch name, port, _ := net.SplitHostPort(host); {
	case name == "127.0.0.1": // the issuer
		return host, nil
	case name == "login.gate.test" && port == "80":
		return o.host, nil
	case strings.HasSuffix("."+name, ".gate.test") && port == "80":
		return o.gate.ports.address("proxy"), nil
	default:
		return "", fmt.Errorf("%s is nowhere", host)
	}
}

// visitor is somebody at a browser.
type visitor struct {
	*oauth2Proxy
	browser *http.Client
	trail   []string // where it was sent while it followed redirects, without queries
}

// visitor opens a browser that has no session yet. person sits there; empty: nobody whom the issuer knows.
func (o *oauth2Proxy) visitor(t *testing.T, person string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{oauth2Proxy: o}
	v.browser = &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, host string) (net.Conn, error) {
				address, err := o.address(host)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(to *http.Request, _ []*http.Request) error {
			v.trail = append(v.trail, to.URL.Scheme+"://"+to.URL.Host+to.URL.Path)
			if len(v.trail) > 40 {
				return errors.New("the browser is sent round in circles")
			}
			return nil
		},
		Timeout: plainClient.Timeout,
	}
	v.sits(t, person)
	return v
}

// sits puts a person in front of the browser.
func (v *visitor) sits(t *testing.T, person string) {
	t.Helper()
	v.setCookies(t, v.issuer.server.URL, []*http.Cookie{{Name: seat, Value: person, Path: "/"}})
}

func (v *visitor) setCookies(t *testing.T, address string, cookies []*http.Cookie) {
	t.Helper()
	v.browser.Jar.SetCookies(parsed(t, address), cookies)
}

// cookies are what the browser sends to an address.
func (v *visitor) cookies(t *testing.T, address string) []*http.Cookie {
	t.Helper()
	return v.browser.Jar.Cookies(parsed(t, address))
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// visit goes to an address and wherever that leads.
func (v *visitor) visit(t *testing.T, address string) reply {
	t.Helper()
	v.trail = nil
	return v.send(t, v.browser, v.navigation(t, address))
}

// visited is what came of a request to the gate.
type visited struct {
	reply
	told http.Header // to the service, beside or instead of what the client sent; nil if it is not to be reached
}

func (v visited) verdict() verdict { return verdict{v.status, v.told.Get("X-User")} }

// ways are the engine's front ends. Through the API it is another proxy that asks, which does what it is answered.
var ways = []string{"proxy", "api"}

// ask sends a request, and follows no redirect.
func (v *visitor) ask(t *testing.T, way string, request *http.Request) visited {
	t.Helper()
	client := *v.browser
	client.CheckRedirect = plainClient.CheckRedirect
	if way == "api" {
		client.Jar = nil
		return v.decided(t, &client, request)
	}
	v.gate.upstream.take()
	answer := visited{reply: v.send(t, &client, request)}
	seen := v.gate.upstream.take()
	if reached := len(seen) == 1; reached != (answer.status == http.StatusOK) {
		t.Fatalf("the proxy answers %d, and %d requests reached the service", answer.status, len(seen))
	}
	if len(seen) == 1 {
		answer.told = seen[0].header
	}
	return answer
}

func (v *visitor) decided(t *testing.T, client *http.Client, request *http.Request) visited {
	t.Helper()
	address := request.URL.String()
	for _, cookie := range v.cookies(t, address) {
		request.AddCookie(cookie)
	}
	for name, value := range map[string]string{
		"Method": request.Method, "Proto": request.URL.Scheme, "Host": request.URL.Host, "Uri": request.URL.RequestURI(),
	} {
		request.Header.Set("X-Forwarded-"+name, value)
	}
	request.URL, request.Host = parsed(t, "http://"+v.gate.ports.address("api")+"/decisions"), ""
	answer := visited{reply: v.send(t, client, request)}
	v.setCookies(t, address, (&http.Response{Header: answer.header}).Cookies())
	if answer.status == http.StatusOK {
		answer.told = answer.header
	}
	return answer
}

// expect asks both ways for a verdict.
func (v *visitor) expect(t *testing.T, address string, want verdict) {
	t.Helper()
	for _, way := range ways {
		if got := v.ask(t, way, v.navigation(t, address)).verdict(); got != want {
			t.Errorf("the %s makes %+v of %s, expected %+v", way, got, address, want)
		}
	}
}

// expectLogin asks both ways and expects to be sent to log in and to come back to the same address.
func (v *visitor) expectLogin(t *testing.T, address string) {
	t.Helper()
	want := loginPage + "/oauth2/start?rd=" + url.QueryEscape(address)
	for _, way := range ways {
		answer := v.ask(t, way, v.navigation(t, address))
		if got := answer.header.Get("Location"); answer.status != http.StatusFound || got != want {
			t.Errorf("the %s answers %d and leads from %s to %q, expected %q", way, answer.status, address, got, want)
		}
	}
}

// navigation is what a browser sends when somebody types an address. They claim to be somebody else, too.
func (v *visitor) navigation(t *testing.T, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Accept":         "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
		"X-User": "mallory", "X-Auth-Request-Email": "mallory@gate.test", "X-Auth-Request-Groups": "everything",
	} {
		request.Header.Set(name, value)
	}
	return request
}

func (v *visitor) send(t *testing.T, client *http.Client, request *http.Request) reply {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// session are the cookies with the browser's session, which takes so many of them.
func (v *visitor) session(t *testing.T, cookies int) []*http.Cookie {
	t.Helper()
	session := slices.DeleteFunc(v.cookies(t, finance), func(cookie *http.Cookie) bool {
		return !strings.HasPrefix(cookie.Name, sessionCookie)
	})
	if len(session) != cookies {
		t.Fatalf("the session takes %d cookies, expected %d", len(session), cookies)
	}
	return session
}
