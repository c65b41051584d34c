package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// secret is a certificate and its key, as a Secret of Kubernetes has them.
type secret struct {
	files  map[string]string
	serial string
}

// newSecret makes them for "ostiary.test".
func newSecret(t *testing.T, ours *authority) secret {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	made := ours.issue(t, "ostiary.test", cert, key)
	s := secret{files: map[string]string{}, serial: made.certificate.SerialNumber.String()}
	for name, path := range map[string]string{"tls.crt": cert, "tls.key": key} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s.files[name] = string(text)
	}
	return s
}

// overTLS is an instance that speaks TLS on every port, with the secret of the moment.
type overTLS struct {
	*instance
	mount   string
	trusted *tls.Config
}

func (o *overTLS) publish(t testing.TB, files map[string]string) {
	t.Helper()
	if err := swapConfigMap(o.mount, files); err != nil {
		t.Fatal(err)
	}
}

var withTLS = []string{"proxy", "api", "grpc"}

func startOverTLS(t *testing.T, ours *authority, first secret) *overTLS {
	t.Helper()
	o := &overTLS{mount: filepath.Join(t.TempDir(), "tls"), trusted: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "ostiary.test"}}
	o.trusted.RootCAs.AddCert(ours.certificate)
	o.publish(t, first.files)
	at := func(name string) object { return object{"path": filepath.Join(o.mount, name)} }
	settings := object{"grpc": object{"enabled": true}}
	for _, name := range withTLS {
		section(settings, name)["tls"] = object{"cert": at("tls.crt"), "key": at("tls.key")}
	}
	o.instance = newInstance(t, echoing(t), settings)
	o.ports["grpc"] = freePort(t)
	o.configure(t, settings)
	o.start(t)
	for _, name := range withTLS {
		await(t, "a handshake with "+name, func() bool { return o.serial(name) == first.serial })
	}
	return o
}

// serial is the number of the certificate that a listener shows, or why it shows none.
func (o *overTLS) serial(listener string) string {
	dialer := &net.Dialer{Timeout: lifeLimit}
	connection, err := tls.DialWithDialer(dialer, "tcp", o.ports.address(listener), o.trusted)
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestCertificatesRotateUnderLoad while connections are made anew for each request, and while others stay open. Each new
// certificate is shown by all listeners, and with one that cannot be used they stay with the one before.
func TestCertificatesRotateUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours := (*authority)(nil).issue(t, "authority", filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	secrets := []secret{newSecret(t, ours)}
	o := startOverTLS(t, ours, secrets[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	for _, listener := range withTLS[:2] {
		for _, fresh := range []bool{true, false} {
			transport := &http.Transport{TLSClientConfig: o.trusted.Clone(), DisableKeepAlives: fresh, ForceAttemptHTTP2: !fresh}
			client := &http.Client{Transport: transport, Timeout: lifeLimit}
			running.Go(func() {
				defer transport.CloseIdleConnections()
				answered, problems := steadily(ctx, 40*time.Millisecond, 8, func(int) error { return o.ask(context.WithoutCancel(ctx), client, listener) })
				for _, problem := range problems[:min(len(problems), 5)] {
					t.Errorf("%d requests failed: %v", len(problems), problem)
				}
				t.Logf("%s, a connection for each request: %t: %d answered", listener, fresh, answered)
			})
		}
	}
	for n := 1; n <= 4; n++ {
		secrets = append(secrets, newSecret(t, ours))
		o.publish(t, secrets[n].files)
		for _, listener := range withTLS {
			await(t, "the new certificate of "+listener, func() bool { return o.serial(listener) == secrets[n].serial })
		}
	}
	inForce := secrets[len(secrets)-1]
	for n, bad := range []map[string]string{
		{"tls.crt": inForce.files["tls.crt"], "tls.key": secrets[0].files["tls.key"]}, // which do not fit together
		{"tls.crt": "garbage", "tls.key": inForce.files["tls.key"]},
		{"tls.crt": inForce.files["tls.crt"], "tls.key": ""},
	} {
		o.publish(t, bad)
		o.awaitLogged(t, "the certificate of a listener has changed and cannot be used", len(withTLS)*(n+1))
		for _, listener := range withTLS {
			if got := o.serial(listener); got != inForce.serial {
				t.Errorf("bad pair %d: %s shows %s, want %s", n, listener, got, inForce.serial)
			}
		}
	}
	if err := os.RemoveAll(o.mount); err != nil { // as if somebody had deleted the Secret
		t.Fatal(err)
	}
	o.awaitLogged(t, "the certificate of a listener has changed and cannot be used", len(withTLS)*4)
	// Whatever else changes, what was told is not told again. The configuration cannot be read either as long as the
	// files are not there that it names; when they are, it is.
	changed := object{"proxy": object{"limits": object{"target_bytes": 1000}}, "grpc": object{"enabled": true}}
	for _, name := range withTLS {
		section(changed, name)["tls"] = object{"cert": object{"path": filepath.Join(o.mount, "tls.crt")}, "key": object{"path": filepath.Join(o.mount, "tls.key")}}
	}
	o.configure(t, changed)
	o.awaitLogged(t, "a change is not in force", 1)
	last := newSecret(t, ours)
	o.publish(t, last.files)
	o.awaitLogged(t, `msg="configuration reloaded"`, 1)
	for _, listener := range withTLS {
		await(t, "the certificate after all the bad ones of "+listener, func() bool { return o.serial(listener) == last.serial })
	}
	cancel()
	running.Wait()
	if reported := o.logged(t, "the certificate of a listener has changed and cannot be used"); reported != len(withTLS)*4 {
		t.Errorf("what is bad is in the log %d times, want once for each of %d listeners and 4 times", reported, len(withTLS))
	}
	if !strings.Contains(o.metrics(t), `ostiary_reloads_total{result="rejected",subject="certificates"} 12`) {
		t.Error("what is bad is not counted")
	}
	for _, listener := range withTLS {
		want := fmt.Sprintf("ostiary_certificate_expiry_seconds{service=%q} ", listener)
		if !strings.Contains(o.metrics(t), want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	o.stop(t)
}

// ask sends a request over TLS.
func (o *overTLS) ask(ctx context.Context, client *http.Client, listener string) error {
	target := "https://" + o.ports.address(listener) + map[string]string{"proxy": "/x", "api": "/decisions/x"}[listener]
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, once{strings.NewReader("x")})
	if err != nil {
		return err
	}
	request.ContentLength = 1
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s, %w", listener, answer.Status, body, err)
	}
	return nil
}

// metrics is all that the instance exposes.
func (i *instance) metrics(t testing.TB) string {
	t.Helper()
	answer, err := plainClient.Get(i.url("prometheus", "/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestACertificateMovesWithTheConfiguration: it may be in other files from now on. Whether there is TLS at all is a
// matter for a restart.
func TestACertificateMovesWithTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours := (*authority)(nil).issue(t, "authority", filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	o := startOverTLS(t, ours, newSecret(t, ours))
	moved := newSecret(t, ours)
	elsewhere := filepath.Join(t.TempDir(), "tls")
	if err := swapConfigMap(elsewhere, moved.files); err != nil {
		t.Fatal(err)
	}
	at := func(name string) object { return object{"path": filepath.Join(elsewhere, name)} }
	o.configure(t, object{"proxy": object{"tls": object{"cert": at("tls.crt"), "key": at("tls.key")}}, "grpc": object{"enabled": true}})
	await(t, "the certificate that has moved", func() bool { return o.serial("proxy") == moved.serial })
	o.awaitLogged(t, "needs a restart", 2)
	for _, key := range []string{"serve.api.tls", "serve.grpc.tls"} {
		if o.logged(t, "key="+key) != 1 {
			t.Errorf("the log does not tell that %s needs a restart", key)
		}
	}
	rotated := newSecret(t, ours)
	if err := swapConfigMap(elsewhere, rotated.files); err != nil {
		t.Fatal(err)
	}
	await(t, "the certificate in its new place to be followed", func() bool { return o.serial("proxy") == rotated.serial })
	o.stop(t)
}
