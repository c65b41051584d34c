//go:build e2e

package main_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- RFC 6238 is made of it
	"encoding/base32"
	order "encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// selfService is a flow of Kratos in which people do something about their account.
type selfService struct {
	ID string
	UI struct {
		Nodes []struct {
			Attributes struct {
				ID, Name string
				Value    any
				Text     struct{ Text string }
			}
		}
	}
}

// field is what Kratos filled in for a field, or shows as a text.
func (f selfService) field(t *testing.T, name string) string {
	t.Helper()
	for _, node := range f.UI.Nodes {
		if node.Attributes.ID == name {
			return node.Attributes.Text.Text
		}
		if text, ok := node.Attributes.Value.(string); ok && node.Attributes.Name == name {
			return text
		}
	}
	t.Fatalf("the flow has no %s", name)
	return ""
}

// program is what uses Kratos without a browser: no cookies, but a session token, once it has one.
type program struct {
	kratos *kratos
	token  string
}

// submit goes through a flow.
func (p program) submit(t *testing.T, kind string, flow selfService, fields map[string]any, result any) {
	t.Helper()
	p.call(t, http.MethodPost, "/self-service/"+kind+"?flow="+flow.ID, fields, result)
}

func (p program) begin(t *testing.T, kind string) (flow selfService) {
	t.Helper()
	p.call(t, http.MethodGet, "/self-service/"+kind+"/api", nil, &flow)
	return flow
}

func (p program) call(t *testing.T, method, path string, body, result any) {
	t.Helper()
	request, err := http.NewRequest(method, p.kratos.public(path), strings.NewReader(asJSON(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		request.Header.Set("X-Session-Token", p.token)
	}
	fetch(t, request, http.StatusOK, result)
}

// tokenFor logs a program in.
func (k *kratos) tokenFor(t *testing.T, a account) string {
	t.Helper()
	p := program{kratos: k}
	var granted struct {
		Token string `json:"session_token"`
	}
	p.submit(t, "login", p.begin(t, "login"), a.login(), &granted)
	return granted.Token
}

// register makes an account as a program does for somebody who has none.
func (k *kratos) register(t *testing.T, name string) account {
	t.Helper()
	a := account{email: name + "@people.test", password: rand.Text(), team: "watch"}
	p := program{kratos: k}
	var made struct{ Identity struct{ ID string } }
	p.submit(t, "registration", p.begin(t, "registration"), map[string]any{
		"method": "password", "password": a.password, "traits": map[string]any{"email": a.email, "team": a.team},
	}, &made)
	a.id = made.Identity.ID
	return a
}

// enrol gives the account a second factor, as a program does, and is the account that knows it.
func (k *kratos) enrol(t *testing.T, a account) account {
	t.Helper()
	p := program{kratos: k, token: k.tokenFor(t, a)}
	flow := p.begin(t, "settings")
	a.secret = flow.field(t, "totp_secret_key")
	p.submit(t, "settings", flow, map[string]any{"method": "totp", "totp_code": totp(t, a.secret)}, nil)
	return a
}

// totp is the code that an authenticator app shows now (RFC 6238).
func totp(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatalf("the secret %q: %v", secret, err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(order.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30))) // #nosec G115 -- it is after 1970
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", order.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}
