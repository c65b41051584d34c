package authz

import (
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types/ref"
)

// maxCost bounds one evaluation: about one for each operation, and what the
// values weigh that it goes through. That is some milliseconds of a processor
// at worst, and a thousand times what comparing claims takes.
const maxCost = 20_000

const (
	textPerWeight = 4       // bytes of text that count as one value
	maxText       = 1 << 16 // bytes of a part of the request
)

// dynamicCost tells cel-go what operations cost on values whose type is only
// known at the time of the request, as of everything in extra. Without it they
// would cost one, however long the values are.
type dynamicCost struct{}

// CallCost is the cost of one call; nil leaves it to cel-go.
func (dynamicCost) CallCost(function, overload string, arguments []ref.Val, _ ref.Val) *uint64 {
	if overload != "" && function != operators.Equals && function != operators.NotEquals {
		return nil
	}
	cost := uint64(1)
	for _, argument := range arguments {
		cost += weigh(argument.Value())
	}
	return &cost
}

// weigh is the number of values that a value is made of, with texts for as many
// as they are long.
func weigh(value any) uint64 {
	weight := uint64(1)
	switch v := value.(type) {
	case string:
		weight += uint64(len(v) / textPerWeight)
	case []byte:
		weight += uint64(len(v) / textPerWeight)
	case []string:
		for _, item := range v {
			weight += weigh(item)
		}
	case []any:
		for _, item := range v {
			weight += weigh(item)
		}
	case []ref.Val:
		for _, item := range v {
			weight += weigh(item.Value())
		}
	case map[string][]string:
		for key, item := range v {
			weight += weigh(key) + weigh(item)
		}
	case map[string]any:
		for key, item := range v {
			weight += weigh(key) + weigh(item)
		}
	case map[ref.Val]ref.Val:
		for key, item := range v {
			weight += weigh(key.Value()) + weigh(item.Value())
		}
	}
	return weight
}
