package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// checkUse finds handlers that are enabled for nobody.
func checkUse(definitions []*definition, settings pipeline.Settings) []Finding {
	used := map[string]bool{}
	use := func(stage string, steps ...pipeline.Step) {
		for _, step := range steps {
			used[stage+"."+step.Handler] = true
		}
	}
	for _, d := range definitions {
		use("authenticators", d.Authenticators...)
		use("mutators", d.Mutators...)
		use("errors.handlers", d.Errors...)
		if d.Authorizer != nil {
			use("authorizers", *d.Authorizer)
		}
		if d.Authorizers != nil {
			use("authorizers", stepsOf(*d.Authorizers)...)
		}
	}
	used["errors.handlers.json"] = true // it is enabled if nobody says anything
	for _, id := range settings.Fallback {
		used["errors.handlers."+id] = true
	}
	var findings []Finding
	for _, stage := range []struct {
		name     string
		settings map[string]pipeline.Setting
	}{
		{"authenticators", settings.Authenticators},
		{"authorizers", settings.Authorizers},
		{"mutators", settings.Mutators},
		{"errors.handlers", settings.ErrorHandlers},
	} {
		for _, id := range slices.Sorted(maps.Keys(stage.settings)) {
			if name := stage.name + "." + id; stage.settings[id].Enabled && !used[name] {
				found := unusedHandler.of(document.Problem{Message: "is enabled, and no rule uses it; disable it if none is going to"})
				found.Setting = strings.Split(name, ".")
				findings = append(findings, found)
			}
		}
	}
	return findings
}

// stepsOf are the authorizers of a condition.
func stepsOf(condition pipeline.Condition) []pipeline.Step {
	steps := []pipeline.Step{{Handler: condition.Handler, Config: condition.Config}}
	for _, member := range slices.Concat(condition.AllOf, condition.AnyOf, condition.NoneOf) {
		steps = append(steps, stepsOf(member)...)
	}
	return steps
}

const redirectID = "redirect"

// checkRedirects finds redirects to a login page that programs would get,
// which cannot log in, in place of a 401.
func checkRedirects(definitions []*definition, settings pipeline.Settings) []Finding {
	const remedy = "; set on_browser_only: true"
	var findings []Finding
	global := settings.ErrorHandlers[redirectID]
	fallsBack := false
	for _, d := range definitions {
		fallsBack = fallsBack || len(d.Errors) == 0
		for i, step := range d.Errors {
			if step.Handler == redirectID && global.Enabled && !forBrowsers(global.Config, step.Config) {
				findings = append(findings, apiRedirect.at(d, document.Path{"errors", strconv.Itoa(i)},
					"the redirect also answers programs, which need a 401 and cannot log in"+remedy))
			}
		}
	}
	// The first one that is responsible answers: what comes behind others may
	// well be for browsers only.
	if fallsBack && len(settings.Fallback) > 0 && settings.Fallback[0] == redirectID && global.Enabled && !forBrowsers(global.Config, nil) {
		found := apiRedirect.of(document.Problem{
			Message: "is the fallback of rules without error handlers, and also answers programs, which need a 401 and cannot log in" + remedy,
		})
		found.Setting = document.Path{"errors", "handlers", redirectID}
		findings = append(findings, found)
	}
	return findings
}

// condition is the part of an error handler's `when` that matters here.
type condition struct {
	Request struct {
		Header struct {
			Accept []string `json:"accept"`
		} `json:"header"`
	} `json:"request"`
}

// forBrowsers reports whether a redirect is for browsers only, or only answers
// requests that accept what programs do not ask for. What a rule says replaces
// what the configuration says.
func forBrowsers(global map[string]any, own json.RawMessage) bool {
	var configured struct {
		When          []condition
		OnBrowserOnly bool `json:"on_browser_only"`
	}
	if text, err := json.Marshal(global); err == nil {
		_ = json.Unmarshal(text, &configured) // what is wrong with it is reported as a flaw
	}
	var ofRule struct {
		When          *[]condition
		OnBrowserOnly *bool `json:"on_browser_only"`
	}
	if len(own) > 0 {
		_ = json.Unmarshal(own, &ofRule) // likewise
	}
	browserOnly := configured.OnBrowserOnly
	if ofRule.OnBrowserOnly != nil {
		browserOnly = *ofRule.OnBrowserOnly
	}
	if browserOnly {
		return true
	}
	when := configured.When
	if ofRule.When != nil {
		when = *ofRule.When
	}
	return len(when) > 0 && !slices.ContainsFunc(when, func(c condition) bool {
		accept := c.Request.Header.Accept
		return len(accept) == 0 || slices.ContainsFunc(accept, forPrograms)
	})
}

func forPrograms(mediaType string) bool {
	return mediaType == "*/*" || mediaType == "application/*" || mediaType == "application/json"
}
