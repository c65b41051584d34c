package rules

import (
	"testing"

	"ostiary/rules/repository"
)

func TestRulesThatSomebodyOnTheWayCouldWriteAreWarnedOf(t *testing.T) {
	t.Parallel()
	const warning = ": is asked without TLS, so that anybody on the way to it can write rules; use https://\n"
	for address, want := range map[string]string{
		"http://rules.example.com/r.json?key=secret": "http://rules.example.com/r.json?…" + warning,
		"http://user:secret@10.0.0.1:8080/r":         "http://10.0.0.1:8080/r" + warning,
		"https://rules.example.com/r.json":           "",
		"http://127.0.0.1:8080/r":                    "",
		"http://[::1]/r":                             "",
		"http://localhost/r":                         "",
		"file:///etc/rules/http:":                    "",
	} {
		opened, err := repository.Open(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(checkSources([]*source{{Repository: opened}})...); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}
