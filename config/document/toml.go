package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

func (d *Document) parseTOML() (any, error) {
	var value map[string]any
	if err := toml.Unmarshal(d.source, &value); err != nil {
		line, message := 0, strings.TrimPrefix(err.Error(), "toml: ")
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ = at.Position()
		}
		return nil, d.problem(line, "invalid TOML: "+message)
	}
	if len(value) == 0 {
		return nil, &Empty{Name: d.Name}
	}
	return plainTOML(value), nil
}

// plainTOML makes numbers and times look as in the other formats: a time is a
// text, and so is inf or nan.
func plainTOML(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = plainTOML(item)
		}
		return v
	case []any:
		for i, item := range v {
			v[i] = plainTOML(item)
		}
		return v
	case string, bool:
		return v
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		if n, ok := Float(v); ok {
			return n
		}
		return fmt.Sprint(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

// tomlPlaces walks the expressions of a document that parses.
type tomlPlaces struct {
	lines lines
	table *place // that the last header opened
}

func (d *Document) placesTOML() *place {
	root := &place{line: 1}
	w := &tomlPlaces{lines: linesOf(d.source), table: root}
	var parser unstable.Parser
	parser.Reset(d.source)
	for parser.NextExpression() {
		switch node := parser.Expression(); node.Kind {
		case unstable.Table:
			w.table = w.follow(root, node.Key())
		case unstable.ArrayTable:
			list := w.follow(root, node.Key())
			w.table = &place{line: w.line(node)}
			list.items = append(list.items, w.table)
		case unstable.KeyValue:
			w.keyValue(w.table, node)
		}
	}
	return root
}

// follow goes down a dotted key; in a list of tables it goes into the last.
func (w *tomlPlaces) follow(at *place, key unstable.Iterator) *place {
	for key.Next() {
		part := key.Node()
		at = last(at).key(string(part.Data), w.lines.at(int64(part.Raw.Offset)))
	}
	return at
}

func last(at *place) *place {
	if n := len(at.items); n > 0 {
		return at.items[n-1]
	}
	return at
}

func (w *tomlPlaces) keyValue(table *place, node *unstable.Node) {
	w.value(w.follow(table, node.Key()), node.Value())
}

func (w *tomlPlaces) value(at *place, node *unstable.Node) {
	children := node.Children()
	switch node.Kind {
	case unstable.InlineTable:
		for children.Next() {
			w.keyValue(at, children.Node())
		}
	case unstable.Array:
		for children.Next() {
			item := children.Node()
			inner := &place{line: w.line(item)}
			if inner.line == 0 {
				inner.line = at.line
			}
			at.items = append(at.items, inner)
			w.value(inner, item)
		}
	}
}

// line is where a node begins, or where the first node in it does: the parser
// does not keep the place of a list or of a header.
func (w *tomlPlaces) line(node *unstable.Node) int {
	if node.Raw.Length > 0 {
		return w.lines.at(int64(node.Raw.Offset))
	}
	children := node.Children()
	for children.Next() {
		if line := w.line(children.Node()); line > 0 {
			return line
		}
	}
	return 0
}
