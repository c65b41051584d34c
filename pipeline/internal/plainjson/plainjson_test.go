package plainjson

import "testing"

func TestWhatCanBeReadInOneWay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `null`, `[{"a": 1}, {"a": 2}]`, `{"a": {"a": 1}, "b": {"a": 1}}`, `{"admin": false, "admins": []}`, `{"\u00e9": 1, "e": 2}`,
	} {
		if err := Check([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatCanBeReadInTwoWays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                 "it is not JSON",
		`{} {}`:                            "it is not JSON",
		`{"a": 1, "a": 2}`:                 "it cannot be read: json: duplicate key 'a' in object",
		`{"a": 1, "\u0061": 2}`:            "it cannot be read: json: duplicate key 'a' in object",
		`[{"x": {"a": 1, "a": 2}}]`:        "it cannot be read: json: duplicate key 'a' in object",
		`{"\u212a": 1, "\u212a\u0000": 2}`: "",
	} {
		switch err := Check([]byte(text)); {
		case err == nil && want != "", err != nil && err.Error() != want:
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{`{"admin": false, "AdmIn": true}`, `[{"x": {"k": 1, "\u212a": 2}}]`, `{"s": 1, "\u017f": 2}`, `{"\u00e9": 1, "\u00c9": 2}`} {
		if Check([]byte(text)) == nil {
			t.Errorf("%s passes", text)
		}
	}
}
