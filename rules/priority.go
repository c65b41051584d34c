package rules

import (
	"encoding/json"
	"fmt"
)

// Priority decides between rules that match the same request: the highest one
// answers. The schema bounds it, so that every float64 that gets here stands
// for one integer.
type Priority int

// UnmarshalJSON reads an integer in any of the forms that JSON has for it:
// 10, 10.0 and 1e1 are the same one.
func (p *Priority) UnmarshalJSON(text []byte) error {
	var number float64
	if err := json.Unmarshal(text, &number); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	*p = Priority(number)
	return nil
}
