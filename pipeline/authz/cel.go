package authz

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/interpreter"

	"ostiary/config/document"
	"ostiary/pipeline"
)

//go:embed cel.schema.json
var celSchema []byte

var celAuthorizer = pipeline.Define("cel", celSchema, newCEL)

type celConfig struct {
	Expression string `json:"expression"`
}

// interruptEvery is how many turns of a loop are made before it is looked
// whether the client still waits.
const interruptEvery = 100

// CEL is the authorizer `cel`: an expression over the request and the session
// decides (https://cel.dev).
type CEL struct{ program cel.Program }

// compiling is held while an expression is compiled: cel-go makes what it
// needs for its messages when the first mistake is found, without a lock.
var compiling sync.Mutex

func newCEL(c celConfig, _ pipeline.Environment) (pipeline.Authorizer, error) {
	vocabulary, err := celVocabulary()
	if err != nil {
		return nil, fmt.Errorf("the vocabulary of expressions: %w", err)
	}
	compiling.Lock()
	checked, issues := vocabulary.Compile(c.Expression)
	compiling.Unlock()
	if issues.Err() != nil {
		return nil, &pipeline.Mistake{Path: document.Path{"expression"}, Message: issueList(issues)}
	}
	if checked.OutputType() != cel.BoolType {
		return nil, &pipeline.Mistake{
			Path:    document.Path{"expression"},
			Message: fmt.Sprintf("gives %s; it has to give bool, so compare it with something", cel.FormatCELType(checked.OutputType())),
		}
	}
	program, err := vocabulary.Program(checked,
		cel.EvalOptions(cel.OptOptimize), cel.CostTracking(dynamicCost{}), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, &pipeline.Mistake{Path: document.Path{"expression"}, Message: err.Error()}
	}
	return &CEL{program: program}, nil
}

// issueList writes all that is wrong with an expression, each with its line
// and column, counted from 1.
func issueList(issues *cel.Issues) string {
	var all []string
	for _, issue := range issues.Errors() {
		all = append(all, fmt.Sprintf("%d:%d: %s", issue.Location.Line(), issue.Location.Column()+1, issue.Message))
	}
	return strings.Join(all, "; ")
}

// Authorize evaluates the expression. One that cannot be evaluated for the
// request at hand, mostly because it asks for a claim that the session lacks,
// forbids: whoever lacks the claim lacks the permission, and an operator does
// not want to be woken for it. One that costs too much is the engine's
// failure, and the operator's to mend.
func (a *CEL) Authorize(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	extra, err := session.Extra()
	if err != nil {
		return pipeline.Internal.From(fmt.Errorf("the expression: %w", err))
	}
	if weight := weigh(extra); weight > maxCost {
		return pipeline.Internal.From(fmt.Errorf("the expression: extra holds %d values, too many to go through", weight))
	}
	result, _, err := a.program.ContextEval(ctx, &facts{request: request, session: session, extra: extra})
	var cancelled interpreter.EvalCancelledError
	switch {
	case err == nil && result.Value() == true:
		return nil
	case err == nil:
		return pipeline.Forbidden.Because("the rule's expression does not allow it")
	case errors.As(err, &cancelled), ctx.Err() != nil:
		return pipeline.Internal.From(fmt.Errorf("the expression: %w", err))
	default:
		return undecided("the rule's expression cannot be evaluated for this request", err)
	}
}
