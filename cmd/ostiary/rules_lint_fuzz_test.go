package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"ostiary/config/document"
	"ostiary/rules"
)

// FuzzSARIF: whatever rules and files are called, code hosts get a document in
// which each finding is one, at the file that it is in.
func FuzzSARIF(f *testing.F) {
	f.Add("/etc/rules/a b.json", 3, `the rule "x" is dead`, "serve")
	f.Add("c:%2e%2e/rules#1?.yaml", -1, "\xff\u2028</script>", "")
	f.Add("", 0, "", "a.b")
	f.Fuzz(func(t *testing.T, file string, line int, message, setting string) {
		finding := rules.Finding{Check: "dead-rule", Level: rules.Failure, File: file, Line: line, Message: message}
		if setting != "" {
			finding.Setting = document.Path{setting}
		}
		var text bytes.Buffer
		if err := writeFindingsSARIF(&text, []rules.Finding{finding, {Check: "dead-rule", Level: rules.Note, Message: "another"}}); err != nil {
			t.Fatal(err)
		}
		var read sarifLogAsRead
		if err := json.Unmarshal(text.Bytes(), &read); err != nil || len(read.Runs) != 1 || len(read.Runs[0].Results) != 2 {
			t.Fatalf("%s is read as %+v, %v", text.Bytes(), read, err)
		}
		result := read.Runs[0].Results[0]
		if result.RuleID != "dead-rule" || result.Level != "error" || result.Message.Text != string([]rune(finding.Text())) {
			t.Errorf("the finding has become %+v", result)
		}
		if file == "" {
			if len(result.Locations) != 0 {
				t.Errorf("what is nowhere is at %+v", result.Locations)
			}
			return
		}
		place := result.Locations[0].Physical
		at, err := url.Parse(place.Artifact.URI)
		if err != nil || strings.TrimPrefix(at.Path, "./") != strings.TrimPrefix(filepath.ToSlash(file), "./") {
			t.Errorf("%q is at %q, which is %+v, %v", file, place.Artifact.URI, at, err)
		}
		if (place.Region.StartLine > 0) != (line > 0) || line > 0 && place.Region.StartLine != line {
			t.Errorf("line %d is %d", line, place.Region.StartLine)
		}
	})
}

// sarifLogAsRead is the part of SARIF that a code host goes by.
type sarifLogAsRead struct {
	Runs []struct {
		Results []struct {
			RuleID    string    `json:"ruleId"`
			Level     string    `json:"level"`
			Message   sarifText `json:"message"`
			Locations []struct {
				Physical struct {
					Artifact struct {
						URI string `json:"uri"`
					} `json:"artifactLocation"`
					Region sarifRegion `json:"region"`
				} `json:"physicalLocation"`
			} `json:"locations"`
		} `json:"results"`
	} `json:"runs"`
}
