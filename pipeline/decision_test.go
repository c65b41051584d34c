package pipeline_test

import (
	"testing"

	"ostiary/pipeline"
)

func TestTheZeroDecisionRefuses(t *testing.T) {
	t.Parallel()
	var decision pipeline.Decision
	if decision.Allowed || decision.Upstream != nil || decision.Session != nil {
		t.Errorf("%+v", decision)
	}
}

func TestNamesCover(t *testing.T) {
	t.Parallel()
	names := pipeline.Names{"X-User-Id", "X_Role", "Authorization"}
	tests := map[string]bool{
		"X-User-Id":      true,
		"x-user-id":      true,
		"X_User_Id":      true,
		"x-USER_id":      true,
		"X-Role":         true,
		"x_role":         true,
		"AUTHORIZATION":  true,
		"X-User":         false,
		"X-User-Id-":     false,
		"X--User-Id":     false,
		"X-User.Id":      false,
		"X-UserId":       false,
		"-X-User-Id":     false,
		"":               false,
		"Authorizations": false,
	}
	for name, want := range tests {
		if got := names.Cover(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
	if pipeline.Names(nil).Cover("") || (pipeline.Names{}).Cover("X-User") {
		t.Error("no names cover something")
	}
}
