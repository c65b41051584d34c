package main

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"ostiary/rules"
)

// What follows is as much of SARIF 2.1.0 as findings need: the format in which
// code hosts and editors take them.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string    `json:"id"`
	ShortDescription sarifText `json:"shortDescription"`
	Help             sarifText `json:"help"`
	Configuration    struct {
		Level rules.Level `json:"level"`
	} `json:"defaultConfiguration"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     rules.Level     `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	} `json:"physicalLocation"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

func writeFindingsSARIF(w io.Writer, findings []rules.Finding) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "ostiary", Version: version}
	checks := rules.Checks()
	for _, check := range checks {
		rule := sarifRule{ID: check.ID, ShortDescription: sarifText{check.Description}, Help: sarifText{"Finds " + check.Description + "."}}
		rule.Configuration.Level = check.Level
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, f := range findings {
		run.Results = append(run.Results, sarifResult{
			RuleID:    f.Check,
			RuleIndex: slices.IndexFunc(checks, func(c rules.Check) bool { return c.ID == f.Check }),
			Level:     f.Level,
			Message:   sarifText{f.Text()},
			Locations: sarifLocations(f),
		})
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

// sarifLocations are where a finding is: nowhere if it is in no file.
func sarifLocations(f rules.Finding) []sarifLocation {
	if f.File == "" {
		return nil
	}
	location := sarifLocation{}
	uri := url.URL{Path: filepath.ToSlash(f.File)}
	if filepath.IsAbs(f.File) {
		uri.Scheme = "file"
	}
	location.Physical.Artifact.URI = uri.String()
	if f.Line > 0 {
		location.Physical.Region = &sarifRegion{f.Line}
	}
	return []sarifLocation{location}
}
