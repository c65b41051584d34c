package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// suite is one file of testdata/conformance: a configuration, rules, scripted backends, and cases.
// The README there explains the keys.
type suite struct {
	Name       string             `json:"name"`
	Config     map[string]any     `json:"config"`
	ConfigText string             `json:"config_text"`
	Rules      content            `json:"rules"`
	Files      map[string]content `json:"files"`
	Stubs      []*stub            `json:"stubs"`
	Env        map[string]string  `json:"env"`
	Setup      []action           `json:"setup"`
	Starts     *bool              `json:"starts"`
	Cases      []testCase         `json:"cases"`
}

type testCase struct {
	Name         string      `json:"name"`
	To           string      `json:"to"`
	Before       []action    `json:"before"`
	Request      request     `json:"request"`
	EventuallyMS int         `json:"eventually_ms"`
	Expect       expectation `json:"expect"`
}

// mustStart tells whether the engine has to come up with this configuration, or has to refuse it.
func (s suite) mustStart() bool { return s.Starts == nil || *s.Starts }

// hurriedPatience is for how many milliseconds a case of a hurried suite may be played again.
const hurriedPatience = 5000

var shortTimeout = regexp.MustCompile(`"give_up_after": *"\d{1,2}ms"`)

// hurried tells whether the suite allows its backends less time than a busy machine may need for any answer, so that
// a wrong outcome may be the machine's, and is none until it comes again.
func (s script) hurried() bool { return shortTimeout.MatchString(s.text) }

// script is a suite as it stands in its file, with places such as {{upstream}} for addresses not known yet.
type script struct {
	path string
	text string
	suite
}

var placePattern = regexp.MustCompile(`\{\{([a-z][a-z0-9_-]*)\}\}`)

func readScript(path string) (script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return script{}, err
	}
	s := script{path: path, text: string(text)}
	if err := json.Unmarshal(text, &s.suite); err != nil {
		return script{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// backends are the names of the services that the suite speaks of.
func (s script) backends() []string {
	names := map[string]bool{}
	for _, match := range placePattern.FindAllStringSubmatch(s.text, -1) {
		names[match[1]] = true
	}
	for _, ours := range []string{"dir", "closed", "proxy", "api"} {
		delete(names, ours)
	}
	return slices.Sorted(maps.Keys(names))
}

// at is the suite with its places filled in. Expectations are filled in too, so that addresses compare as they are.
func (s script) at(places map[string]string) (suite, error) {
	var pairs []string
	for name, address := range places {
		pairs = append(pairs, "{{"+name+"}}", address)
	}
	var placed suite
	err := json.Unmarshal([]byte(strings.NewReplacer(pairs...).Replace(s.text)), &placed)
	return placed, err
}

// content is what goes into a file or a body: a text as it is, or any other JSON value in its JSON form.
type content struct {
	text   string
	isJSON bool
	given  bool
}

func (c *content) UnmarshalJSON(raw []byte) error {
	c.given = true
	if raw[0] == '"' {
		return json.Unmarshal(raw, &c.text)
	}
	c.text, c.isJSON = string(raw), true
	return nil
}

// headerLines are header lines in order, written as an object or, where a name repeats, as a list of pairs.
type headerLines [][2]string

func (h *headerLines) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[][2]string)(h))
	}
	var object map[string]string
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		*h = append(*h, [2]string{name, object[name]})
	}
	return nil
}

func (h headerLines) has(name string) bool {
	return slices.ContainsFunc(h, func(line [2]string) bool { return strings.EqualFold(line[0], name) })
}
