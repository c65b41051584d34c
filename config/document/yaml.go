package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// maxAliases bounds how many values a YAML document may gain through aliases,
// besides one for each of its bytes, so that a few lines cannot unfold into
// gigabytes.
const maxAliases = 100_000

func (d *Document) parseYAML() (any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(d.source))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) || (err == nil && len(root.Content) == 0) {
		return nil, &Empty{Name: d.Name}
	}
	if err != nil {
		return nil, d.invalidYAML(err)
	}
	d.places = sync.OnceValue(func() *place { return placesYAML(root.Content[0]) })
	value, err := (&unfolding{document: d, limit: maxAliases + len(d.source)}).value(root.Content[0])
	if err != nil {
		return nil, err
	}
	if decoder.Decode(&second) == nil {
		d.Warnings = append(d.Warnings, Problem{File: d.Name, Line: second.Line, Message: "only the first YAML document of a file is read"})
	}
	return value, nil
}

// unfolding turns YAML nodes into plain values, following aliases and merge
// keys (<<).
type unfolding struct {
	document *Document
	aliases  []*yaml.Node // being followed, to notice a value inside itself
	unfolded int
	limit    int
	depth    int
}

func (u *unfolding) value(node *yaml.Node) (any, error) {
	if u.depth++; u.depth > maxDepth {
		return nil, u.invalid(node, fmt.Sprintf("values stand more than %d deep in each other", maxDepth))
	}
	defer func() { u.depth-- }()
	if len(u.aliases) > 0 {
		if u.unfolded++; u.unfolded > u.limit {
			return nil, u.invalid(node, fmt.Sprintf("aliases unfold to more than %d values", u.limit))
		}
	}
	switch node.Kind {
	case yaml.AliasNode:
		return u.follow(node)
	case yaml.MappingNode:
		into := make(map[string]any, len(node.Content)/2)
		return into, u.mapping(node, into)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			value, err := u.value(item)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	default:
		return u.scalar(node)
	}
}

func (u *unfolding) invalid(node *yaml.Node, message string) error {
	return u.document.problem(node.Line, "invalid YAML: "+message)
}

func (u *unfolding) follow(alias *yaml.Node) (any, error) {
	for _, open := range u.aliases {
		if open == alias.Alias {
			return nil, u.invalid(alias, "the alias *"+alias.Value+" stands inside its own anchor")
		}
	}
	u.aliases = append(u.aliases, alias.Alias)
	defer func() { u.aliases = u.aliases[:len(u.aliases)-1] }()
	return u.value(alias.Alias)
}

func (u *unfolding) mapping(node *yaml.Node, into map[string]any) error {
	for key, item := range pairs(node) {
		if isMerge(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return u.invalid(key, "a key must be a plain text")
		}
		if _, twice := into[key.Value]; twice {
			return u.invalid(key, fmt.Sprintf("the key %q is there twice", shortened(key.Value)))
		}
		value, err := u.value(item)
		if err != nil {
			return err
		}
		into[key.Value] = value
	}
	for key, item := range pairs(node) {
		if !isMerge(key) {
			continue
		}
		for _, source := range merged(item) {
			if err := u.merge(source, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge copies the keys of a map behind a merge key that into lacks; of
// several such maps the earlier wins.
func (u *unfolding) merge(source *yaml.Node, into map[string]any) error {
	value, err := u.value(source)
	if err != nil {
		return err
	}
	keys, ok := value.(map[string]any)
	if !ok {
		return u.invalid(source, "only a map can be merged with <<")
	}
	for key, item := range keys {
		if _, there := into[key]; !there {
			into[key] = item
		}
	}
	return nil
}

// oldBooleans are the texts that YAML 1.1 reads as booleans and 1.2 does not.
var oldBooleans = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

func (u *unfolding) scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var value bool
		if err := node.Decode(&value); err != nil {
			_, message := splitYAMLError(err)
			return nil, u.invalid(node, message)
		}
		return value, nil
	case "!!int":
		return u.integer(node)
	case "!!float":
		var value float64
		if node.Decode(&value) == nil {
			if n, ok := Float(value); ok {
				return n, nil
			}
		}
		return node.Value, nil
	}
	if value, old := oldBooleans[node.Value]; old && node.Style == 0 && u.document.format == Sniff {
		return value, nil
	}
	return node.Value, nil
}

func (u *unfolding) integer(node *yaml.Node) (any, error) {
	digits := strings.ReplaceAll(node.Value, "_", "")
	if len(digits) > maxNumber {
		return nil, u.invalid(node, "a number is too long or out of range")
	}
	n, ok := new(big.Int).SetString(digits, 0)
	if !ok {
		return node.Value, nil
	}
	value, ok := number(n.String())
	if !ok {
		return nil, u.invalid(node, "a number is too long or out of range")
	}
	return value, nil
}
