package main

import (
	"fmt"
	"io"
	"path/filepath"
)

// explain says what to open and which calls to make.
func (s *site) explain(out io.Writer, p person) {
	metrics, alerts, session := s.host("metrics")+"/", s.host("alerts")+"/", filepath.Join(s.dir, "session")
	fmt.Fprintf(out, `
Ostiary and Kratos are up. Open in a browser, and log in as %s with the password %s:

  %s
  %s        wants a second factor: any authenticator app, or oathtool --totp -b SECRET

A new password (%s/settings) ends all other sessions at once: Kratos tells Ostiary to forget them.

Or call, one after the other:
`, p.email, p.password, metrics, alerts, s.host("auth"))
	for i, step := range []struct{ what, call string }{
		{"no session: a program is told so (401)", "curl -i " + metrics},
		{"and a browser is sent to log in (302)", "curl -i -H 'Accept: text/html' " + metrics},
		{"log in, as a program does", fmt.Sprintf(
			`curl -s "$(curl -s %s/self-service/login/api | grep -o 'http[^"]*flow=[^"]*')" -d method=password -d identifier=%s -d password=%s`+
				` | sed 's/.*"session_token":"\([^"]*\)".*/X-Session-Token: \1/' > %s`, s.host("auth"), p.email, p.password, session)},
		{"allowed, and the service is told who asks (200)", fmt.Sprintf("curl -H @%s %s", session, metrics)},
		{"the alerts want a second factor (302 to where it is asked for)", fmt.Sprintf("curl -i -H 'Accept: text/html' -H @%s %s", session, alerts)},
		{"end the person's sessions in Kratos (204)", fmt.Sprintf("curl -i -X DELETE http://%s/admin/identities/%s/sessions", s.admin, p.id)},
		{"Ostiary asked a moment ago, and remembers for a minute (200)", fmt.Sprintf("curl -i -H @%s %s", session, metrics)},
		{"tell it (204)", fmt.Sprintf(`curl -i -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"subject": %q}' http://%s/sessions/purge`,
			s.secret("PURGE_TOKEN"), p.id, s.api)},
		{"refused (401)", fmt.Sprintf("curl -i -H @%s %s", session, metrics)},
	} {
		fmt.Fprintf(out, "\n  %d. %s\n     %s\n", i+1, step.what, step.call)
	}
	fmt.Fprintf(out, "\nThe rules are in %s and can be edited while it runs. Ctrl-C ends it.\n\n", filepath.Join(s.dir, "access-rules.json"))
}
