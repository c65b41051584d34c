//go:build e2e

package main_test

import (
	"net/http"
	"testing"
)

func TestE2EKeto(t *testing.T) {
	t.Parallel()
	k := startKeto(t)
	k.names["SESSIONS"] = startDirectory(t, map[string]string{"erin": "press", "frank": "sales"}).URL
	keto := func(id, config string) guard {
		return guard{
			id: id, authenticators: `[{"handler": "bearer_token"}]`,
			authorizer: `{"handler": "keto", "config": {` + config + `}}`,
		}
	}
	g := startGate(t, "keto/engine.yaml", k.names, []guard{
		keto("view", ""),
		keto("edit", `"relation": "edit"`),
		keto("direct", `"relation": "viewers"`),
		keto("shallow", `"max_depth": 1`),
		keto("team", `"subject_set": {"namespace": "Group", "object": "{{ print .Extra.team }}", "relation": "members"}`),
		keto("user", `"subject_set": {"namespace": "User", "object": "{{ print .Subject }}", "relation": ""}`),
		keto("named", `"subject_id": "{{ .Extra.team }}-{{ .Subject }}"`),
		keto("nowhere", `"namespace": "Cupboard"`),
	})
	bobsPlace := relation{Namespace: "Group", Object: "staff", Relation: "members", SubjectID: "bob"}
	k.relate(t,
		relation{Namespace: "Document", Object: "plan", Relation: "viewers", SubjectID: "alice"},
		relation{Namespace: "Document", Object: "plan", Relation: "viewers", Set: &subjectSet{"Group", "staff", "members"}},
		relation{Namespace: "Document", Object: "plan", Relation: "viewers", Set: &subjectSet{"Group", "press", "members"}},
		relation{Namespace: "Document", Object: "plan", Relation: "viewers", Set: &subjectSet{"User", "dave", ""}},
		relation{Namespace: "Document", Object: "plan", Relation: "viewers", SubjectID: "sales-frank"},
		relation{Namespace: "Document", Object: "plan", Relation: "owners", SubjectID: "carol"},
		bobsPlace,
	)
	forbidden := refusedWith(http.StatusForbidden)

	for _, c := range []struct {
		name, path, person string
		want               verdict
	}{
		{"who is related may", "/view/plan", "alice", allowedAs("alice")},
		{"but no more than the relation says", "/edit/plan", "alice", forbidden},
		{"who is of a group that is related may", "/view/plan", "bob", allowedAs("bob")},
		{"a permission may follow from another relation", "/view/plan", "carol", allowedAs("carol")},
		{"and an owner may edit", "/edit/plan", "carol", allowedAs("carol")},
		{"a relation is not the permission that follows from it", "/direct/plan", "carol", forbidden},
		{"a relation can be asked for itself", "/direct/plan", "alice", allowedAs("alice")},
		{"who is not related may not", "/view/plan", "mallory", forbidden},
		{"nor may anybody to another object", "/view/budget", "alice", forbidden},
		{"nor if the object is not named", "/view", "alice", forbidden},
		{"nor if Keto does not know the namespace", "/nowhere/plan", "alice", forbidden},
		{"a group is too far away if one step is allowed", "/shallow/plan", "bob", forbidden},
		{"a set can be the subject", "/team/plan", "erin", allowedAs("erin")},
		{"another set is another subject", "/team/plan", "frank", forbidden},
		{"no set is no subject", "/team/plan", "alice", forbidden},
		{"a person can be an object of their own", "/user/plan", "dave", allowedAs("dave")},
		{"which is somebody else than the id of that name", "/user/plan", "alice", forbidden},
		{"and the other way round", "/view/plan", "dave", forbidden},
		{"the id can be made of what is known", "/named/plan", "frank", allowedAs("frank")},
	} {
		t.Run(c.name, func(t *testing.T) { g.expect(t, c.path, "Bearer "+c.person, c.want) })
	}

	t.Run("Keto's word is asked anew each time", func(t *testing.T) {
		k.separate(t, bobsPlace)
		g.expect(t, "/view/plan", "Bearer bob", forbidden)
		k.relate(t, bobsPlace)
		g.expect(t, "/view/plan", "Bearer bob", allowedAs("bob"))
	})
	t.Run("an outage is no permission, and no refusal either", func(t *testing.T) {
		k.stop(t)
		g.expect(t, "/view/plan", "Bearer alice", refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/view/plan", "Bearer mallory", refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/view/plan", "", refusedWith(http.StatusUnauthorized))
	})
	t.Run("and it is over when Keto is back", func(t *testing.T) {
		k.start(t)
		g.expect(t, "/view/plan", "Bearer alice", allowedAs("alice"))
		g.expect(t, "/view/plan", "Bearer mallory", forbidden)
	})
	g.stop(t)
}
