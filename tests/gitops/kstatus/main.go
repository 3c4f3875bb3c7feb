// Command kstatus says of MissYouApps what the tools of GitOps would say, each by its own library.
//
// Standard input: one JSON object, {"health": {"current", "failed", "inProgress"}, "requests": [{"object", "scripts"}]}.
// Standard output: a list with one answer per request: "kstatus", "flux" (Flux's evaluator of healthCheckExprs), and
// "lua", what each script returns in the interpreter of Argo CD with the libraries that Argo CD opens.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type request struct {
	Object  *unstructured.Unstructured `json:"object"`
	Scripts []string                   `json:"scripts"`
}

type answer struct {
	Kstatus string      `json:"kstatus"`
	Flux    string      `json:"flux"`
	Lua     []luaResult `json:"lua"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked struct {
		Health   kustomize.HealthCheckExpressions `json:"health"`
		Requests []request                        `json:"requests"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	evaluator, err := cel.NewStatusEvaluator(&asked.Health)
	if err != nil {
		return err
	}
	answers := make([]answer, 0, len(asked.Requests))
	for _, one := range asked.Requests {
		computed, err := status.Compute(one.Object)
		if err != nil {
			return err
		}
		found := answer{Kstatus: computed.Status.String(), Lua: []luaResult{}}
		evaluated, err := evaluator.Evaluate(context.Background(), one.Object)
		if err != nil {
			found.Flux = "error: " + err.Error()
		} else {
			found.Flux = evaluated.Status.String()
		}
		for _, script := range one.Scripts {
			found.Lua = append(found.Lua, runLua(script, one.Object.Object))
		}
		answers = append(answers, found)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
