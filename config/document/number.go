package document

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxNumber bounds the length of a number, in bytes. What is longer is no
// number that a configuration needs, and exact arithmetic on it is slow.
const maxNumber = 300

// number takes a number as JSON writes it. It refuses what no float64 comes
// near, such as 1e9999, because exact arithmetic would unfold the exponent.
func number(text string) (json.Number, bool) {
	if len(text) > maxNumber {
		return "", false
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return "", false
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		if power, err := strconv.Atoi(exponent); err != nil || power < -maxNumber {
			return "", false
		}
	}
	return json.Number(text), true
}

// Float writes a float64 as JSON does; false if it is infinite or no number.
func Float(value float64) (json.Number, bool) {
	if math.IsInf(value, 0) || math.IsNaN(value) {
		return "", false
	}
	text, err := json.Marshal(value)
	return json.Number(text), err == nil
}
