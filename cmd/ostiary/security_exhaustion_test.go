package main_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

var securityExhaustion = []securityRow{
	{id: "RX-01", test: func(t *testing.T, _ *bastion) {
		patterns := []string{"(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "((a*)*)*b$", "(?=a)(a+)+$", `(a+)+\1$`, "(?!b)(a|aa)+$", "(?>a)(a+)+$"}
		g := startBastion(t, func(upstream, _ string) (rules []object) {
			for i, pattern := range patterns {
				rule := openRule(upstream)
				rule["id"], rule["match"] = pattern, object{"url": fmt.Sprintf("http://app.test/%d/<%s>", i, pattern), "methods": []string{"GET"}}
				rules = append(rules, rule)
			}
			healthy := openRule(upstream)
			healthy["id"], healthy["match"] = "healthy", object{"url": "http://app.test/healthy", "methods": []string{"GET"}}
			return append(rules, healthy)
		}, nil)
		// An engine that goes back and forth needs the age of the world for this; deadlines would cut it off.
		for i, pattern := range patterns {
			for mode, ask := range modes {
				began := time.Now()
				got := ask(t, g, attempt{target: fmt.Sprintf("/%d/%s!", i, strings.Repeat("a", 2<<10))})
				if !slices.Contains([]int{404, 500}, got.status) || got.granted() {
					t.Errorf("%s: %s: got %d", mode, pattern, got.status)
				}
				t.Logf("%s: %s: %d after %v", mode, pattern, got.status, time.Since(began))
				g.grants(t, attempt{target: "/healthy"}, []string{mode}, "/healthy")
			}
		}
		g.grants(t, attempt{target: "/0/aaaa"}, nil, "/0/aaaa")
	}},
	{id: "RX-03", test: func(t *testing.T, _ *bastion) {
		const unknown, workers = 1000, 8
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/x"})
		good := attempt{target: "/x", token: m.token(`{"sub":"ada"}`)}
		g.grants(t, good, nil, "/x")
		_, tail, _ := strings.Cut(good.token, ".")
		before, began := m.asked.Load(), time.Now()
		var asking sync.WaitGroup
		for worker := range workers {
			asking.Go(func() {
				for i := worker; i < unknown; i += workers {
					token := inBase64(fmt.Appendf(nil, `{"alg":"RS256","kid":"made-up-%d"}`, i)) + "." + tail
					request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.ports.address("api")+"/decisions/x", nil)
					if err != nil {
						t.Error(err)
						return
					}
					request.Header.Set("Authorization", "Bearer "+token)
					got, err := plainClient.Do(request)
					if err != nil {
						t.Error(err)
						return
					}
					got.Body.Close()
					if got.StatusCode != http.StatusUnauthorized {
						t.Errorf("a key that is made up: got %d", got.StatusCode)
					}
				}
			})
		}
		for range 10 {
			g.grants(t, good, nil, "/x")
		}
		asking.Wait()
		// One at once, and one for each interval of five seconds.
		if asked, most := m.asked.Load()-before, 1+int64(time.Since(began)/(5*time.Second)); asked > most {
			t.Errorf("the keys were fetched %d times, more than %d, in %v", asked, most, time.Since(began))
		}
	}},
	{id: "RX-04", test: func(t *testing.T, g *bastion) {
		many := func(count int, line func(i int) string) []string {
			lines := make([]string, count)
			for i := range lines {
				lines[i] = line(i)
			}
			return lines
		}
		for name, lines := range map[string][]string{
			"1 MB of Authorization":     {"Authorization: Bearer " + strings.Repeat("x", 1<<20)},
			"1 MB of anything":          {"X-Long: " + strings.Repeat("x", 1<<20)},
			"10 000 cookies":            {"Cookie: " + strings.Join(many(10_000, func(i int) string { return fmt.Sprintf("c%d=%d", i, i) }), "; ")},
			"10 000 lines of cookies":   many(10_000, func(i int) string { return fmt.Sprintf("Cookie: c%d=%d", i, i) }),
			"500 headers of some bytes": many(500, func(i int) string { return fmt.Sprintf("X-Header-%d: %s", i, strings.Repeat("x", 150)) }),
			"10 000 headers":            many(10_000, func(i int) string { return fmt.Sprintf("X-%d: x", i) }),
			"one header 10 000 times":   many(10_000, func(int) string { return "X-Same: x" }),
			"500 short headers":         many(500, func(i int) string { return fmt.Sprintf("X-%d: x", i) }),
		} {
			for _, mode := range []string{"proxy", "decisions"} {
				for _, target := range []string{"/user/x", "/public/x"} {
					got := modes[mode](t, g, attempt{target: target, lines: lines})
					// Who does not read on closes the connection, and the answer may be lost with it.
					if got.status != http.StatusRequestHeaderFieldsTooLarge && got.status != 0 || got.granted() {
						t.Errorf("%s: %s at %s: got %d", mode, name, target, got.status)
					}
				}
			}
		}
		g.grants(t, attempt{target: "/public/x"}, nil, "/public/x")
	}},
	{id: "RX-06", test: func(t *testing.T, _ *bastion) {
		const slow = 300
		g := startBastion(t, nil, func(config object) {
			for _, listener := range []string{"proxy", "api"} {
				of := section(section(config, "serve"), listener)
				of["limits"], of["timeout"] = object{"connections": slow / 2}, object{"read": "2s"}
			}
		})
		for _, listener := range []string{"proxy", "api"} {
			var hanging []net.Conn
			for i := range slow {
				connection, err := net.Dial("tcp", g.ports.address(listener))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = connection.Close() })
				begun := []string{
					"GET /public/x HTTP/1.1\r\nHost: app.test\r\nX-Slow: ",
					"POST /user/x HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer " + userToken + "\r\nX-Case: slow\r\nContent-Length: 1000\r\n\r\nslow",
					"",
				}[i%3]
				if err := connection.SetDeadline(time.Now().Add(2 * lifeLimit)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(connection, begun); err != nil {
					t.Fatal(err)
				}
				hanging = append(hanging, connection)
			}
			// They come in turn: there is no more room than for half of the slow ones, and that becomes free.
			for range 5 {
				if listener == "proxy" {
					g.grants(t, attempt{target: "/public/x"}, []string{"proxy"}, "/public/x")
				} else {
					g.grants(t, attempt{target: "/public/x"}, []string{"decisions"}, "/public/x")
				}
			}
			// A byte now and then keeps nobody there.
			dribble := time.NewTicker(300 * time.Millisecond)
			var closed atomic.Int64
			var waiting sync.WaitGroup
			for i, connection := range hanging {
				waiting.Go(func() {
					if _, err := io.Copy(io.Discard, connection); err == nil || !isTimeout(err) {
						closed.Add(1)
					} else {
						t.Errorf("%s: client %d is still there: %v", listener, i, err)
					}
				})
			}
			await(t, "all slow clients of "+listener+" to be gone", func() bool {
				<-dribble.C
				for _, connection := range hanging {
					_, _ = io.WriteString(connection, "x")
				}
				return closed.Load() == slow
			})
			dribble.Stop()
			waiting.Wait()
		}
	}},
	{id: "RX-07", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, func(config object) {
			for _, listener := range []string{"proxy", "api"} {
				section(section(config, "serve"), listener)["timeout"] = object{"idle": "2s"}
			}
		})
		// By then the connection has to be closed. Empty frames take no room, and are nothing but a connection that nobody asks on.
		mostFrames := map[string]uint32{"rapid reset": 20_000, "CONTINUATION": 100_000, "empty CONTINUATION": math.MaxUint32, "PING": 10_000_000}
		for name, flood := range map[string]func(framer *http2.Framer, target string, i uint32) error{
			"rapid reset": func(framer *http2.Framer, target string, i uint32) error {
				if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: plainBlock(target), EndStream: true, EndHeaders: true}); err != nil {
					return err
				}
				return framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
			},
			"CONTINUATION": func(framer *http2.Framer, target string, i uint32) error {
				if i == 0 {
					return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: plainBlock(target)})
				}
				return framer.WriteContinuation(1, false, plainFields("x-header", strings.Repeat("x", 100)))
			},
			"empty CONTINUATION": func(framer *http2.Framer, target string, i uint32) error {
				if i == 0 {
					return framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: plainBlock(target)})
				}
				return framer.WriteContinuation(1, false, nil)
			},
			"PING": func(framer *http2.Framer, _ string, i uint32) error { return framer.WritePing(false, [8]byte{byte(i)}) },
		} {
			for listener, target := range map[string]string{"proxy": "/user/x", "api": "/decisions/user/x"} {
				connection, err := net.Dial("tcp", g.ports.address(listener))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = connection.Close() })
				if tcp, is := connection.(*net.TCPConn); is { // so that its end is soon noticed
					if err := tcp.SetWriteBuffer(64 << 10); err != nil {
						t.Fatal(err)
					}
				}
				buffered := bufio.NewWriterSize(connection, 64<<10)
				framer := http2.NewFramer(buffered, connection)
				_ = beginHTTP2(t, connection)
				if err := connection.SetDeadline(time.Now().Add(4 * lifeLimit)); err != nil {
					t.Fatal(err)
				}
				// Nothing of what the server answers is read.
				frames := uint32(0)
				for ; err == nil && frames < mostFrames[name]; frames++ {
					err = flood(framer, target, frames)
				}
				connection.Close() // or the server would have what is under way to go through yet
				if err == nil || isTimeout(err) {
					t.Errorf("%s: %s: goes on after %d frames: %v", listener, name, frames, err)
				}
				g.grants(t, attempt{target: "/public/x"}, nil, "/public/x")
			}
		}
	}},
	{id: "RX-09", test: func(t *testing.T, _ *bastion) {
		good, crowded, long := startMint(t), startMint(t), startMint(t)
		var keys []object
		for i := range 1000 {
			keys = append(keys, publicJWK(fmt.Sprint("key-", i), &crowded.key.PublicKey))
		}
		crowded.publish(t, append(keys, publicJWK("crowded", &crowded.key.PublicKey))...)
		huge := publicJWK("long", &long.key.PublicKey)
		huge["n"] = inBase64(new(big.Int).SetBit(big.NewInt(1), 16383, 1).Bytes())
		long.publish(t, huge)
		g := startProtected(t, "jwt", object{"jwks_urls": []string{good.url, crowded.url, long.url}, "jwks_max_wait": "20s", "jwks_ttl": "10m"}, protected{path: "/x"})
		g.grants(t, attempt{target: "/x", token: good.token(`{"sub":"ada"}`)}, nil, "/x")
		for name, token := range map[string]string{
			"of a set with 1000 keys":         signed(object{"alg": "RS256", "kid": "key-1"}, `{}`, byRSA(crowded.key)),
			"of the last of them":             signed(object{"alg": "RS256", "kid": "crowded"}, `{}`, byRSA(crowded.key)),
			"of RSA with 16384 bits":          signed(object{"alg": "RS256", "kid": "long"}, `{}`, func(string) []byte { return make([]byte, 2048) }),
			"a huge exp":                      good.token(`{"exp":` + strings.Repeat("9", 400) + `}`),
			"a huge exponent":                 good.token(`{"exp":1e` + strings.Repeat("9", 400) + `}`),
			"deep claims":                     good.token(`{"x":` + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + `}`),
			"deep claims that do not end":     good.token(`{"x":` + strings.Repeat(`{"x":`, 2000)),
			"a deep header":                   signed(object{"alg": "RS256", "kid": "main", "x": nested(5000)}, `{}`, byRSA(crowded.key)),
			"many claims":                     good.token(`{"x":"` + strings.Repeat("x", 40<<10) + `"}`),
			"many dots":                       good.token(`{}`) + strings.Repeat(".", 10_000),
			"a header that unpacks itself":    signed(object{"alg": "RS256", "kid": "main", "zip": "DEF", "crit": []string{"zip"}}, `{}`, byRSA(good.key)),
			"as many derivations as possible": signed(object{"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2147483647, "kid": "main"}, `{}`, byRSA(good.key)),
		} {
			for mode, ask := range modes {
				got := ask(t, g, attempt{target: "/x", token: token})
				if got.status != http.StatusUnauthorized && got.status != http.StatusRequestHeaderFieldsTooLarge || got.granted() {
					t.Errorf("%s: %s: got %d", mode, name, got.status)
				}
			}
		}
		g.grants(t, attempt{target: "/x", token: good.token(`{"sub":"ada"}`)}, nil, "/x")
	}},
	{id: "RX-10", test: func(t *testing.T, _ *bastion) {
		service := startTokenService(t, func(token, _ string) object {
			members := map[string]int{"small": 3, "some": 1000, "many": 20_000}[token]
			return object{"sub": "ada", "ext": object{"list": slices.Repeat([]string{"x"}, members), "number": members * 1_000_000, "text": strings.Repeat("a", members)}}
		})
		expressions := map[string]string{
			"/any":      `extra.list.all(x, x == "x")`,
			"/twice":    `extra.list.all(x, extra.list.all(y, x == y))`,
			"/pattern":  `extra.text.matches("^(a|aa)+$")`,
			"/contains": `extra.list.all(x, !extra.text.contains(extra.text + "b"))`,
			"/joined":   `(extra.list + extra.list + extra.list).size() > 0`,
		}
		templates := map[string]string{
			"/loop":       `{"x": "{{ range .Extra.list }}{{ . }}{{ range $.Extra.list }}{{ end }}{{ end }}"}`,
			"/silent":     `{{ range .Extra.list }}{{ range $.Extra.list }}{{ range $.Extra.list }}{{ end }}{{ end }}{{ end }}{}`,
			"/repeated":   `{"x": "{{ repeat (int .Extra.number) .Extra.text }}"}`,
			"/until":      `{{ range until (int .Extra.number) }}{{ end }}{}`,
			"/sequence":   `{"x": "{{ seq (int .Extra.number) | len }}"}`,
			"/number":     `{{ range int .Extra.number }}{{ end }}{}`,
			"/definition": `{{ define "d" }}{{ if gt . 0 }}{{ template "d" (sub . 1) }}{{ template "d" (sub . 1) }}{{ end }}{{ end }}{{ template "d" (len .Extra.list) }}{}`,
		}
		g := startBastion(t, func(upstream, _ string) (rules []object) {
			asking := func(path, handler string, config object) {
				rule := openRule(upstream)
				rule["id"], rule["match"] = path, object{"url": "http://app.test" + path, "methods": []string{"GET"}}
				rule["authenticators"] = []object{{"handler": "oauth2_introspection", "config": object{"introspection_url": service.url}}}
				rule["authorizer"] = object{"handler": handler, "config": config}
				rules = append(rules, rule)
			}
			for path, expression := range expressions {
				asking(path, "cel", object{"expression": expression})
			}
			for path, template := range templates {
				asking(path, "remote_json", object{"remote": service.url, "payload": template})
			}
			return rules
		}, func(config object) {
			section(config, "authorizers")["cel"] = object{"enabled": true, "config": object{"expression": "false"}}
			section(config, "authorizers")["remote_json"] = object{"enabled": true, "config": object{"remote": service.url, "payload": "{}"}}
		})
		for path := range expressions {
			g.grants(t, attempt{target: path, token: "small"}, nil, path)
			g.refuses(t, attempt{target: path, token: "many"}, nil, 500)
		}
		for path := range templates {
			g.refuses(t, attempt{target: path, token: "some"}, nil, 500)
		}
		// Less is too much where each member is held against each.
		g.grants(t, attempt{target: "/any", token: "some"}, nil, "/any")
		for _, path := range []string{"/twice", "/contains"} {
			g.refuses(t, attempt{target: path, token: "some"}, nil, 403, 500)
		}
		for _, path := range []string{"/loop", "/silent", "/definition"} {
			g.grants(t, attempt{target: path, token: "small"}, nil, path)
		}
	}},
}

func isTimeout(err error) bool {
	timeout, is := err.(net.Error) //nolint:errorlint // as it comes from the connection
	return is && timeout.Timeout()
}

// nested are lists in one another.
func nested(deep int) any {
	var list any = []any{}
	for range deep {
		list = []any{list}
	}
	return list
}

// plainBlock is the header block of a request with the user's token. It leaves nothing in the table of the other side.
func plainBlock(target string) []byte {
	return slices.Concat(plainFields(":method", "GET"), plainFields(":scheme", "http"), plainFields(":authority", "app.test"), plainFields(":path", target),
		plainFields("authorization", "Bearer "+userToken))
}

func plainFields(name, value string) []byte {
	var block strings.Builder
	if err := hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: true}); err != nil {
		panic(err) // it goes into memory
	}
	return []byte(block.String())
}
