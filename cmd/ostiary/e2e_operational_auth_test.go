//go:build e2e

package main_test

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const exampleDir = "../../testdata/deploy/operational-auth"

// example is what `make operational-auth` runs.
type example struct {
	command *exec.Cmd
	ended   chan struct{} // closed when it is gone
	temp    string        // the only place where it may put files
	proxy   string        // where browsers find everything
	calls   map[string]string
	kratos  *kratos // as browsers know it
	ada     account // that it made
}

// startExample starts the example on a free port, and reads what it prints.
func startExample(t *testing.T) *example {
	t.Helper()
	kratosComponent.built(t) // which it would do itself, however long the tests may take
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ostiary, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(t.TempDir(), "local")
	if out, err := exec.Command("go", "build", "-o", local, exampleDir+"/local").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	port := strconv.Itoa(freePort(t))
	e := &example{
		command: exec.Command(local, "--port", port, "--ostiary", ostiary), ended: make(chan struct{}),
		temp: t.TempDir(), proxy: "127.0.0.1:" + port, calls: map[string]string{}, kratos: &kratos{domain: "ops.localhost:" + port},
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		log.Close()
		if t.Failed() {
			text, err := os.ReadFile(log.Name())
			t.Logf("from the log of the example (%v):\n%s", err, text[max(0, len(text)-8000):])
		}
	})
	e.command.Env = append(environment(map[string]string{"XDG_CACHE_HOME": cache}), "TMPDIR="+e.temp)
	e.command.Stderr = log
	printed, err := e.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.command.Process.Signal(os.Interrupt) // or it has ended
		select {
		case <-e.ended:
		case <-time.After(stopLimit):
			_ = e.command.Process.Kill()
		}
	})
	e.read(t, bufio.NewScanner(printed))
	go func() {
		_ = e.command.Wait() // how it ended is in ProcessState
		close(e.ended)
	}()
	return e
}

var invited = regexp.MustCompile(`log in as (\S+) with the password (\w+):`)

// read reads whose account there is, and which calls to make.
func (e *example) read(t *testing.T, lines *bufio.Scanner) {
	t.Helper()
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "The rules are in") {
		if who := invited.FindStringSubmatch(lines.Text()); who != nil {
			e.ada.email, e.ada.password = who[1], who[2]
		}
		if promise := call.FindStringSubmatch(lines.Text()); promise != nil && lines.Scan() {
			e.calls[promise[1]] = strings.TrimSpace(lines.Text())
		}
	}
	if e.ada.email == "" || len(e.calls) == 0 {
		t.Fatalf("the example prints %v about %+v", e.calls, e.ada)
	}
}

// called is the answer of a call that the example prints.
func (e *example) called(t *testing.T, promise string) string {
	t.Helper()
	shown, ok := e.calls[promise]
	if !ok {
		t.Fatalf("the example does not print %q but %v", promise, e.calls)
	}
	answer, err := exec.Command("sh", "-c", shown).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shown, err, answer)
	}
	return string(answer)
}

var adminAPI = regexp.MustCompile(`http://(\S+)/admin/identities/([0-9a-f-]{36})/sessions`)

// TestE2EOperationalAuthExample does what somebody does who tries the example.
func TestE2EOperationalAuthExample(t *testing.T) {
	t.Parallel()
	e := startExample(t)
	const end = "end the person's sessions in Kratos (204)"
	admin := adminAPI.FindStringSubmatch(e.calls[end])
	if admin == nil {
		t.Fatalf("%q is not about Kratos' admin API", e.calls[end])
	}
	e.ada.id = admin[2]
	k := e.kratos
	metrics, alerts := k.on("metrics", "/graph?g0.expr=up"), k.on("alerts", "/#/silences")
	told := "X-User-Id: " + e.ada.id

	t.Run("the calls that it prints do what it says", func(t *testing.T) {
		for _, step := range []struct{ promise, answer string }{
			{"no session: a program is told so (401)", "401 Unauthorized"},
			{"and a browser is sent to log in (302)", "Location: " + k.on("auth", "/login?return_to="+url.QueryEscape(k.on("metrics", "/")))},
			{"log in, as a program does", ""},
			{"allowed, and the service is told who asks (200)", told + "\nX-User-Mail: " + e.ada.email + "\nX-User-Aal: aal1\n"},
			{"the alerts want a second factor (302 to where it is asked for)", "Location: " + k.on("auth", "/login?aal=aal2&")},
			{end, "204 No Content"},
			{"Ostiary asked a moment ago, and remembers for a minute (200)", told},
			{"tell it (204)", "204 No Content"},
			{"refused (401)", "401 Unauthorized"},
		} {
			if answer := e.called(t, step.promise); !strings.Contains(answer, step.answer) {
				t.Errorf("%s: %s\nexpected %s", step.promise, answer, step.answer)
			}
		}
	})
	b := startBrowser(t, "MAP *."+k.domain+" "+e.proxy)
	t.Run("a browser logs in and sees the metrics", func(t *testing.T) {
		b.open(t, metrics)
		b.isAsked(t, k.on("auth", ""), "Sign in")
		b.logIn(t, e.ada)
		b.arrives(t, metrics, e.ada.id)
	})
	t.Run("a new password ends all other sessions, and Ostiary knows at once", func(t *testing.T) {
		other := newPerson(t, e.proxy)
		other.logIn(t, k, e.ada)
		if got := other.send(t, http.MethodGet, metrics, navigation, ""); got.status != http.StatusOK {
			t.Fatalf("the answer is %d %s, expected 200", got.status, got.body)
		}
		e.ada.password = "correct horse battery staple"
		b.open(t, k.on("auth", "/settings"))
		b.fill(t, "password", map[string]string{"password": e.ada.password})
		b.isAsked(t, k.on("auth", ""), "Your changes have been saved")
		if got := other.send(t, http.MethodGet, metrics, navigation, ""); got.status != http.StatusFound {
			t.Errorf("the answer to the other session is %d, expected 302", got.status)
		}
		b.open(t, metrics)
		b.arrives(t, metrics, e.ada.id)
	})
	t.Run("the alerts are seen with a second factor", func(t *testing.T) {
		b.open(t, alerts)
		b.isAsked(t, k.on("auth", ""), "no second factor yet")
		b.follow(t, "Your account")
		e.ada.secret = b.text(t, "totp-totp_secret_key")
		b.fill(t, "totp", map[string]string{"totp_code": totp(t, e.ada.secret)})
		b.arrives(t, strings.TrimSuffix(alerts, "#/silences"), "aal2")
	})
	t.Run("Ctrl-C leaves nothing behind", func(t *testing.T) {
		e.stop(t, e.proxy, admin[1])
	})
}

// stop is Ctrl-C. Afterwards nobody listens at these addresses, and there are no files.
func (e *example) stop(t *testing.T, addresses ...string) {
	t.Helper()
	if err := e.command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-e.ended:
	case <-time.After(stopLimit):
		t.Fatalf("the example did not stop within %v", stopLimit)
	}
	if !e.command.ProcessState.Success() {
		t.Errorf("the example ended with %v", e.command.ProcessState)
	}
	for _, address := range addresses {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("somebody still listens at %s", address)
		}
	}
	if left, err := os.ReadDir(e.temp); err != nil || len(left) > 0 {
		t.Errorf("the example left %v behind (%v)", left, err)
	}
}
