package authz

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// Bounds on the expressions themselves. The patterns of matches() may come from
// a request, so what they compile to is bounded as well.
const (
	maxExpressionLength = 4096 // characters; the schema says so too
	maxExpressionNodes  = 4096
	maxExpressionDepth  = 64
	maxLoopNesting      = 2
	maxRegexProgram     = 250 // instructions
)

// celVocabulary is what expressions may speak of: the variables, and functions
// that depend on nothing but their arguments: there is no clock, no input and
// no chance in it. Functions that take more than their arguments are long, such
// as replace, and sets that are compared element by element, are left out,
// because what they cost is only known afterwards.
var celVocabulary = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("request", requestType),
		cel.Variable("subject", cel.StringType),
		cel.Variable("extra", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("captures", cel.ListType(cel.StringType)),
		cel.OptionalTypes(),
		ext.Network(),
		cel.ParserExpressionSizeLimit(maxExpressionLength),
		cel.ParserRecursionLimit(maxExpressionDepth),
		cel.ExpressionNodeLimit(maxExpressionNodes),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(
			cel.ValidateComprehensionNestingLimit(maxLoopNesting),
			cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
		),
		func(e *cel.Env) (*cel.Env, error) {
			return cel.CustomTypeProvider(requestTypes{e.CELTypeProvider()})(e)
		},
	)
})

var (
	requestType = cel.ObjectType("Request")
	valuesType  = cel.MapType(cel.StringType, cel.ListType(cel.StringType))
)

// requestFields are the fields of the variable request. What an expression does
// not ask for is not computed.
var requestFields = map[string]*types.FieldType{
	"method":  requestField(cel.StringType, func(f *facts) (any, error) { return f.request.Method, nil }),
	"scheme":  requestField(cel.StringType, func(f *facts) (any, error) { return f.request.Scheme, nil }),
	"host":    requestField(cel.StringType, func(f *facts) (any, error) { return f.request.Host, nil }),
	"path":    requestField(cel.StringType, func(f *facts) (any, error) { return f.request.Path, bound("path", len(f.request.Path)) }),
	"client":  requestField(cel.StringType, func(f *facts) (any, error) { return f.client(), nil }),
	"query":   requestField(valuesType, func(f *facts) (any, error) { return f.query() }),
	"headers": requestField(valuesType, func(f *facts) (any, error) { return f.headers() }),
}

func requestField(kind *cel.Type, get func(*facts) (any, error)) *types.FieldType {
	return &types.FieldType{
		Type:  kind,
		IsSet: func(any) bool { return true },
		GetFrom: func(target any) (any, error) {
			f, ok := target.(*facts)
			if !ok {
				return nil, fmt.Errorf("%T is no request", target)
			}
			return get(f)
		},
	}
}

// requestTypes knows the type of the variable request besides what the
// provider knows that it wraps.
type requestTypes struct{ types.Provider }

// FindStructType finds a type by its name.
func (p requestTypes) FindStructType(name string) (*types.Type, bool) {
	if name == requestType.TypeName() {
		return types.NewTypeTypeWithParam(requestType), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldType finds a field of a type.
func (p requestTypes) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name == requestType.TypeName() {
		found, ok := requestFields[field]
		return found, ok
	}
	return p.Provider.FindStructFieldType(name, field)
}
