package document

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

// pairs are the keys and values of a map.
func pairs(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

func isMerge(key *yaml.Node) bool { return key.ShortTag() == "!!merge" }

// merged are the maps behind a merge key.
func merged(item *yaml.Node) []*yaml.Node {
	if item.Kind == yaml.SequenceNode {
		return item.Content
	}
	return []*yaml.Node{item}
}

// yamlPlaces walks the nodes of a document that parses, each of them once,
// however often it is referred to.
type yamlPlaces map[*yaml.Node]*place

func placesYAML(root *yaml.Node) *place { return make(yamlPlaces).of(root) }

func (known yamlPlaces) of(node *yaml.Node) *place {
	if found := known[node]; found != nil {
		return found
	}
	at := &place{line: node.Line}
	known[node] = at
	switch node.Kind {
	case yaml.AliasNode:
		target := known.of(node.Alias)
		at.keys, at.items = target.keys, target.items
	case yaml.SequenceNode:
		for _, item := range node.Content {
			at.items = append(at.items, known.of(item))
		}
	case yaml.MappingNode:
		at.keys = make(map[string]*place, len(node.Content)/2)
		for key, item := range pairs(node) {
			if !isMerge(key) {
				inner := *known.of(item)
				inner.line = key.Line
				at.keys[key.Value] = &inner
			}
		}
		for key, item := range pairs(node) {
			if isMerge(key) {
				known.merge(at, item)
			}
		}
	}
	return at
}

func (known yamlPlaces) merge(at *place, item *yaml.Node) {
	for _, source := range merged(item) {
		for name, inner := range known.of(source).keys {
			if at.keys[name] == nil {
				at.keys[name] = inner
			}
		}
	}
}
