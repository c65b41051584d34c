package config

import (
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"ostiary/config/document"
)

// decoding fills the typed configuration from plain values. It takes for
// granted that the values fit the schema and passes over those that do not:
// they have been reported.
type decoding struct {
	shown    any                // in place of the values, in messages
	problems []document.Problem // without a position yet
}

// show is a value for a message.
func (d *decoding) show(at document.Path) string {
	value, _ := document.Lookup(d.shown, at)
	return document.Show(value)
}

func (d *decoding) problem(at document.Path, message string) {
	d.problems = append(d.problems, document.Problem{Path: at, Message: message})
}

func (d *decoding) value(at document.Path, value any, into reflect.Value) {
	switch target := into.Addr().Interface().(type) {
	case *time.Duration:
		if text, ok := value.(string); ok {
			*target = d.duration(at, text)
		}
		return
	case *netip.Prefix:
		if text, ok := value.(string); ok {
			*target = d.network(at, text)
		}
		return
	case *map[string]any:
		*target, _ = value.(map[string]any)
		return
	}
	switch v := value.(type) {
	case map[string]any:
		d.object(at, v, into)
	case []any:
		if into.Kind() == reflect.Slice {
			into.Set(reflect.MakeSlice(into.Type(), len(v), len(v)))
			for i, item := range v {
				d.value(at.With(strconv.Itoa(i)), item, into.Index(i))
			}
		}
	case string:
		if into.Kind() == reflect.String {
			into.SetString(v)
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(v)
		}
	case json.Number:
		d.number(at, v, into)
	}
}

func (d *decoding) object(at document.Path, value map[string]any, into reflect.Value) {
	switch into.Kind() {
	case reflect.Struct:
		for i := range into.NumField() {
			name := into.Type().Field(i).Tag.Get("json")
			if item, ok := value[name]; ok && name != "" && name != "-" {
				d.value(at.With(name), item, into.Field(i))
			}
		}
	case reflect.Map:
		into.Set(reflect.MakeMapWithSize(into.Type(), len(value)))
		for key, item := range value {
			made := reflect.New(into.Type().Elem()).Elem()
			d.value(at.With(key), item, made)
			into.SetMapIndex(reflect.ValueOf(key), made)
		}
	}
}

// number accepts 5.0 and 5e0 for the integer 5, as JSON Schema does.
func (d *decoding) number(at document.Path, value json.Number, into reflect.Value) {
	n, err := value.Float64()
	if err != nil {
		return
	}
	switch into.Kind() {
	case reflect.Float64:
		into.SetFloat(n)
	case reflect.Int:
		if math.Abs(n) > math.MaxInt32 {
			d.problem(at, d.show(at)+" is out of range")
			return
		}
		into.SetInt(int64(n))
	}
}

// duration parses what the schema's pattern let through.
func (d *decoding) duration(at document.Path, text string) time.Duration {
	parsed, err := time.ParseDuration(text)
	if err != nil && durationPattern.MatchString(text) {
		d.problem(at, d.show(at)+" is too long; a duration is at most some 290 years")
	}
	return parsed
}
