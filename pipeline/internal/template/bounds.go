package template

import (
	"fmt"
	"math"
	"strings"
	"text/template"
	"text/template/parse"
)

// countSteps has every turn of a loop, and every use of a definition, write
// something, if only nothing: text/template offers no other place to count.
func countSteps(list *parse.ListNode, counted bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.RangeNode:
			countSteps(node.List, true)
			countSteps(node.ElseList, false)
		case *parse.IfNode:
			countSteps(node.List, false)
			countSteps(node.ElseList, false)
		case *parse.WithNode:
			countSteps(node.List, false)
			countSteps(node.ElseList, false)
		}
	}
	if counted {
		list.Nodes = append([]parse.Node{&parse.TextNode{NodeType: parse.NodeText}}, list.Nodes...)
	}
}

// bound puts bounds on those functions whose result is as large as a number
// says: the number may be a claim.
func bound(all template.FuncMap) {
	for name, size := range map[string]func(times int, text string) int{
		"repeat":  func(times int, text string) int { return product(times, len(text)) },
		"indent":  func(times int, text string) int { return product(times, strings.Count(text, "\n")+1) },
		"nindent": func(times int, text string) int { return product(times, strings.Count(text, "\n")+1) },
	} {
		if made, ok := all[name].(func(int, string) string); ok {
			all[name] = func(times int, text string) (string, error) {
				if err := fits(name, size(times, text)); err != nil {
					return "", err
				}
				return made(times, text), nil
			}
		}
	}
	for _, name := range []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric"} {
		if made, ok := all[name].(func(int) string); ok {
			all[name] = func(length int) (string, error) {
				if err := fits(name, length); err != nil {
					return "", err
				}
				return made(length), nil
			}
		}
	}
	if made, ok := all["randBytes"].(func(int) (string, error)); ok {
		all["randBytes"] = func(length int) (string, error) {
			if err := fits("randBytes", length); err != nil {
				return "", err
			}
			return made(length)
		}
	}
	boundNumbers(all)
}

// boundNumbers does so for lists of numbers.
func boundNumbers(all template.FuncMap) {
	if made, ok := all["until"].(func(int) []int); ok {
		all["until"] = func(end int) ([]int, error) {
			if err := numbersFit("until", 0, end, 1); err != nil {
				return nil, err
			}
			return made(end), nil
		}
	}
	if made, ok := all["untilStep"].(func(int, int, int) []int); ok {
		all["untilStep"] = func(start, end, step int) ([]int, error) {
			if err := numbersFit("untilStep", start, end, step); err != nil {
				return nil, err
			}
			return made(start, end, step), nil
		}
	}
	if made, ok := all["seq"].(func(...int) string); ok {
		all["seq"] = func(parameters ...int) (string, error) {
			start, end, step := 1, 0, 1
			switch len(parameters) {
			case 1:
				end = parameters[0]
			case 2:
				start, end = parameters[0], parameters[1]
			case 3:
				start, step, end = parameters[0], parameters[1], parameters[2]
			}
			if err := numbersFit("seq", start, end, step); err != nil {
				return "", err
			}
			return made(parameters...), nil
		}
	}
}

// product is how large so many are, which may be too many to count.
func product(times, each int) int {
	if times > 0 && each > math.MaxInt/times {
		return math.MaxInt
	}
	return times * each
}

// fits refuses what is larger than the whole of a template's text may be, or is
// less than nothing.
func fits(name string, size int) error {
	if size < 0 || size > maxOutput {
		return fmt.Errorf("%s would give %d, and not 0 to %d as it may", name, size, maxOutput)
	}
	return nil
}

// numbersFit is fits for the numbers from start to end. Those that are so large
// that the next one may be out of range are refused, too: there is no end to
// them.
func numbersFit(name string, start, end, step int) error {
	const largest = 1 << 53
	for _, number := range []int{start, end, step} {
		if number > largest || number < -largest {
			return fmt.Errorf("%s takes no number such as %d", name, number)
		}
	}
	if step == 0 {
		return nil // gives none
	}
	return fits(name, int(math.Abs(float64(end-start)/float64(step))))
}
