package template

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
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

// bound has all functions refuse to give more than a whole template may render:
// what goes into a variable goes into the next call, and a few calls make much of
// little. Those whose result is as large as their arguments say, which may be
// claims, refuse before they make it.
func bound(all template.FuncMap) {
	for name, function := range all {
		all[name] = bounded(name, reflect.ValueOf(function))
	}
}

var errorType = reflect.TypeFor[error]()

// bounded is the function with its result held to the bounds. Those that give
// neither text nor list nor anything, but truth or a number, stay as they are.
func bounded(name string, function reflect.Value) any {
	of, foreseen := function.Type(), foreseen[name]
	switch of.Out(0).Kind() {
	case reflect.String, reflect.Slice, reflect.Interface:
	default:
		return function.Interface()
	}
	var in []reflect.Type
	for i := range of.NumIn() {
		in = append(in, of.In(i))
	}
	call := function.Call
	if of.IsVariadic() {
		call = function.CallSlice
	}
	failed := func(err error) []reflect.Value {
		return []reflect.Value{reflect.Zero(of.Out(0)), reflect.ValueOf(&err).Elem()}
	}
	made := reflect.FuncOf(in, []reflect.Type{of.Out(0), errorType}, of.IsVariadic())
	return reflect.MakeFunc(made, func(arguments []reflect.Value) []reflect.Value {
		if foreseen != nil {
			if err := foreseen(name, arguments); err != nil {
				return failed(err)
			}
		}
		results := call(arguments)
		if err := fits(name, sizeOf(results[0])); err != nil {
			return failed(err)
		}
		if len(results) == 1 {
			results = append(results, reflect.Zero(errorType))
		}
		return results
	}).Interface()
}

// sizeOf is how many bytes a text has, or members a list.
func sizeOf(value reflect.Value) int {
	if value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.String, reflect.Slice:
		return value.Len()
	default:
		return 0
	}
}

// foreseen are the functions whose result is much larger than what they are
// given, with what finds that out.
var foreseen = map[string]func(name string, arguments []reflect.Value) error{
	"repeat": func(name string, a []reflect.Value) error {
		return fits(name, product(number(a[0]), len(a[1].String())))
	},
	"indent": indented, "nindent": indented,
	"randAlphaNum": random, "randAlpha": random, "randAscii": random, "randNumeric": random, "randBytes": random,
	"until": func(name string, a []reflect.Value) error { return numbersFit(name, 0, number(a[0]), 1) },
	"untilStep": func(name string, a []reflect.Value) error {
		return numbersFit(name, number(a[0]), number(a[1]), number(a[2]))
	},
	"seq": sequence,
	"join": func(name string, a []reflect.Value) error {
		return fits(name, product(sizeOf(a[1]), len(a[0].String())))
	},
	"replace": func(name string, a []reflect.Value) error {
		return fits(name, product(strings.Count(a[2].String(), a[0].String()), len(a[1].String())))
	},
	"wrapWith": func(name string, a []reflect.Value) error {
		return fits(name, product(len(a[2].String())/max(number(a[0]), 1), len(a[1].String())))
	},
	"regexReplaceAll": replaced, "regexReplaceAllLiteral": replaced, "mustRegexReplaceAll": replaced, "mustRegexReplaceAllLiteral": replaced,
	"printf": formatted,
}

func number(value reflect.Value) int { return int(value.Int()) }

func indented(name string, a []reflect.Value) error {
	return fits(name, product(number(a[0]), strings.Count(a[1].String(), "\n")+1))
}

func random(name string, a []reflect.Value) error { return fits(name, number(a[0])) }

func sequence(name string, a []reflect.Value) error {
	start, end, step := 1, 0, 1
	switch list := a[0]; list.Len() {
	case 1:
		end = number(list.Index(0))
	case 2:
		start, end = number(list.Index(0)), number(list.Index(1))
	case 3:
		start, step, end = number(list.Index(0)), number(list.Index(1)), number(list.Index(2))
	}
	return numbersFit(name, start, end, step)
}

// replaced is for patterns, which may match nowhere or at every byte: only what
// would be far too much at every byte is refused before.
func replaced(name string, a []reflect.Value) error {
	const allowance = 64
	return fits(name, product(len(a[1].String())+1, len(a[2].String()))/allowance)
}

// formatted adds up all numbers of a format, and those that are given to it,
// which may be widths.
func formatted(name string, a []reflect.Value) error {
	widths := 0
	for digits := range strings.FieldsFuncSeq(a[0].String(), func(r rune) bool { return r < '0' || r > '9' }) {
		width, err := strconv.Atoi(digits)
		if err != nil {
			width = math.MaxInt32
		}
		widths += min(width, math.MaxInt32)
	}
	if strings.Contains(a[0].String(), "*") {
		for i := range a[1].Len() {
			if given := a[1].Index(i).Elem(); given.CanInt() {
				widths += int(min(max(given.Int(), -given.Int()), math.MaxInt32))
			}
		}
	}
	return fits(name, widths)
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
