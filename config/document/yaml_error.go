package document

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)
	yamlAnchor    = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

func splitYAMLError(err error) (line int, message string) {
	parts := yamlErrorLine.FindStringSubmatch(err.Error())
	if parts == nil {
		return 0, err.Error()
	}
	line, message = 0, parts[2]
	if at, err := strconv.Atoi(parts[1]); err == nil {
		line = at
		if strings.HasPrefix(message, "did not find expected") {
			line++ // the parser, other than the scanner, counts from 0
		}
	}
	return line, message
}

// invalidYAML makes a problem of what the parser says.
func (d *Document) invalidYAML(err error) error {
	line, message := splitYAMLError(err)
	if anchor := yamlAnchor.FindStringSubmatch(message); anchor != nil {
		message = fmt.Sprintf("there is no anchor &%s before the alias *%s", anchor[1], anchor[1])
		if at := regexp.MustCompile(`\*` + regexp.QuoteMeta(anchor[1]) + `(\W|$)`).FindIndex(d.source); at != nil {
			line = linesOf(d.source).at(int64(at[0]))
		}
	} else if noticed := d.noticedYAML(err); noticed > 0 {
		if 0 < line && line < noticed {
			message += fmt.Sprintf(" in what begins at line %d", line)
		}
		line = noticed
	}
	return d.problem(line, "invalid YAML: "+message)
}

// maxSearch bounds the documents in which a mistake is searched for, in bytes.
const maxSearch = 1 << 20

// noticedYAML is the line in which the parser notices a mistake. The parser
// itself names the one in which the list or map began that the mistake is in.
// It reads from the front, and so fails in the same way on every part of the
// document that reaches behind the mistake, and not on shorter ones.
func (d *Document) noticedYAML(err error) int {
	ends := linesOf(d.source)
	if len(d.source) > maxSearch {
		return 0
	}
	return 1 + sort.Search(len(ends), func(i int) bool {
		var node yaml.Node
		failed := yaml.NewDecoder(bytes.NewReader(d.source[:ends[i]+1])).Decode(&node)
		return failed != nil && failed.Error() == err.Error()
	})
}
