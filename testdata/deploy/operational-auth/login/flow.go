package login

import (
	"html/template"
	"strings"
)

// flow is a self-service flow, as far as it is shown.
type flow struct {
	ReturnTo string `json:"return_to"`
	UI       struct {
		Action, Method string
		Messages       []message
		Nodes          []node
	}
}

type message struct{ Text, Type string }

// node is a part of a form: a field, a button, a picture or a text.
type node struct {
	Type       string // input, img or text; others are not shown
	Group      string // the method that it belongs to, or default
	Attributes struct {
		ID, Name, Type, Autocomplete, Src string
		Value                             any
		Required, Disabled                bool
		Text                              message
	}
	Messages []message
	Meta     struct{ Label message }
}

// Picture is the source of an image that is in the flow itself. The page loads no others.
func (n node) Picture() template.URL {
	if !strings.HasPrefix(n.Attributes.Src, "data:image/png;base64,") {
		return ""
	}
	return template.URL(n.Attributes.Src) // #nosec G203 -- it is a picture, as its beginning says
}

// form is what one method asks for.
type form struct {
	Method string
	Flow   flow
	Nodes  []node
}

// forms has one form for each method, so that a field that one requires does not keep people from another. What
// belongs to no method is in each.
func (f flow) forms() (all []form) {
	known := map[string]bool{"default": true}
	for _, first := range f.UI.Nodes {
		if known[first.Group] {
			continue
		}
		known[first.Group] = true
		one := form{Method: first.Group, Flow: f}
		for _, n := range f.UI.Nodes {
			if n.Group == first.Group || n.Group == "default" {
				one.Nodes = append(one.Nodes, n)
			}
		}
		all = append(all, one)
	}
	return all
}
