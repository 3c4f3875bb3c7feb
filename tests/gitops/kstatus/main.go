// Judges objects as Flux and kstatus do: a JSON array of {"object", "exprs"} in, one of {"status", "message", "expr"} out.
//
// "status" is kstatus's verdict. "expr" is what Flux's healthCheckExprs come to, in the order that Flux evaluates them.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type question struct {
	Object map[string]any    `json:"object"`
	Exprs  map[string]string `json:"exprs"`
}

type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Expr    string `json:"expr"`
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fail(err)
	}
	answers := make([]answer, 0, len(questions))
	for _, asked := range questions {
		object := normalised(asked.Object)
		result, err := status.Compute(&unstructured.Unstructured{Object: object})
		if err != nil {
			fail(err)
		}
		answers = append(answers, answer{string(result.Status), result.Message, judge(object, asked.Exprs)})
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

// judge follows Flux: a generation that is not observed is in progress, then inProgress, failed and current are asked.
func judge(object map[string]any, exprs map[string]string) string {
	if len(exprs) == 0 {
		return ""
	}
	for _, each := range []struct{ name, verdict string }{
		{"inProgress", "InProgress"}, {"failed", "Failed"}, {"current", "Current"},
	} {
		if expr, given := exprs[each.name]; given && holds(object, expr) {
			return each.verdict
		}
	}
	return "InProgress"
}

func holds(object map[string]any, expr string) bool {
	env, err := cel.NewEnv(
		cel.Variable("metadata", cel.DynType), cel.Variable("spec", cel.DynType), cel.Variable("status", cel.DynType))
	if err != nil {
		fail(err)
	}
	ast, issues := env.Compile(expr)
	if issues.Err() != nil {
		fail(issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		fail(err)
	}
	value, _, err := program.Eval(object)
	if err != nil {
		fail(fmt.Errorf("%s: %w", expr, err))
	}
	return value.Value() == true
}

// normalised turns the numbers of JSON into the int64 that Kubernetes has.
func normalised(object map[string]any) map[string]any {
	raw, err := json.Marshal(object)
	if err != nil {
		fail(err)
	}
	made := &unstructured.Unstructured{}
	if err := made.UnmarshalJSON(raw); err != nil {
		fail(err)
	}
	return made.Object
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
