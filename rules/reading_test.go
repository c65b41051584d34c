package rules

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// TestOtherReadingsOfARequest are those of servers that leave path parameters out, decode twice, or believe a header
// about the method: what another rule answers for then is refused.
func TestOtherReadingsOfARequest(t *testing.T) {
	t.Parallel()
	all := list(
		at("open", "http://a.test/<(?!admin(/|$)|twice).*>", ""), at("admin", "http://a.test/admin<(/.*)?>", ""),
		at("matrix", "http://b.test/map;mode=<[a-z]+>", ""), at("map", "http://b.test/map", ""),
		at("two", "http://c.test/<.*x>", ""), at("more", "http://c.test/<.+(/x|y)>", ""),
		at("besides", "http://f.test/<(?!admin/).*>", ""), at("folder", "http://f.test/admin/<.*>", ""),
		at("any", "http://g.test/<.*>", `"priority": -1, `), at("bare", "http://g.test/x", ""),
		at("delete", "http://d.test/thing", ""), at("get", "http://d.test/thing", `"priority": -1, `),
	)
	set := setOf(t, all, Regexp)
	for _, rule := range set.rules {
		if methods := map[string][]string{"delete": {"DELETE", "PUT"}, "get": {"GET", "PUT"}, "any": {"GET", "DELETE"}, "bare": {"DELETE"}}[rule.id]; methods != nil {
			rule.methods = methods
		}
	}
	strict := setOf(t, all, Regexp)
	strict.refusesDoubleEncoding = true
	for name, test := range map[string]struct {
		set                            *Set
		method, target, override, want string
	}{
		"parameters of no consequence":         {set, "GET", "http://a.test/x;a=b/y;c", "", "open"},
		"parameters of a guarded path":         {set, "GET", "http://a.test/admin;a=b", "", "400 a server that leaves path parameters out reads \"http://a.test/admin\", and rule \"admin\" answers for that"},
		"and inside of it":                     {set, "GET", "http://a.test/admin;/x", "", "400 a server that leaves path parameters out reads \"http://a.test/admin/x\", and rule \"admin\" answers for that"},
		"a segment of parameters only":         {set, "GET", "http://a.test/;x/admin/", "", "400 a server that leaves path parameters out reads \"http://a.test/admin/\", and rule \"admin\" answers for that"},
		"parameters of the guarded rule":       {set, "GET", "http://a.test/admin/x;y", "", "admin"},
		"nothing but parameters":               {set, "GET", "http://a.test/;x", "", "open"},
		"no rule for the other reading":        {set, "GET", "http://a.test/x;/../y", "", "open"},
		"a rule about parameters":              {set, "GET", "http://b.test/map;mode=edit", "", "matrix"},
		"parameters that no rule knows":        {set, "GET", "http://b.test/map;x", "", "400 a server that leaves path parameters out reads \"http://b.test/map\", and rule \"map\" answers for that"},
		"too many rules for the other reading": {set, "GET", "http://c.test/a/x;b", "", "400 a server that leaves path parameters out reads \"http://c.test/a/x\", and rules \"two\" and \"more\" both match"},
		"a guarded folder":                     {set, "GET", "http://f.test/admin;/;x", "", "400 a server that leaves path parameters out reads \"http://f.test/admin/\", and rule \"folder\" answers for that"},
		"a folder and parameters":              {set, "GET", "http://b.test/map/;x", "", "404 no rule matches"},
		"another method without parameters":    {set, "GET", "http://g.test/x;y", "DELETE", "400 a header asks servers to take the method for \"DELETE\", and rule \"bare\" answers for that"},
		"no rule at all":                       {set, "GET", "http://e.test/x;y", "", "404 no rule matches"},
		"another method":                       {set, "GET", "http://d.test/thing", "DELETE", "400 a header asks servers to take the method for \"DELETE\", and rule \"delete\" answers for that"},
		"a method that nothing is for":         {set, "GET", "http://d.test/thing", "PATCH", "400 a header asks servers to take the method for \"PATCH\", and no rule matches"},
		"the same method":                      {set, "GET", "http://d.test/thing", "GET", "get"},
		"another method of the same rule":      {set, "DELETE", "http://d.test/thing", "PUT", "delete"},
		"escaped twice":                        {set, "GET", "http://a.test/%2e%2e/x", "", "open"},
		"escaped twice, and refused":           {strict, "GET", "http://a.test/%2e%2e/x", "", "400 the path is escaped twice, and access_rules.double_encoding is refuse"},
		"a percent sign":                       {strict, "GET", "http://a.test/100%/%zz%2", "", "open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			if rule, err := test.set.answering(test.method, test.target, test.override); err != nil {
				got = strconv.Itoa(pipeline.KindOf(err).Status()) + " " + strings.TrimPrefix(reasonOf(err), pipeline.Malformed.Error()+": ")
			} else {
				got = rule.id
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
