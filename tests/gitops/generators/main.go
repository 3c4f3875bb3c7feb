// Command generators builds folders of a repository as the tools of GitOps do, each by its own library.
//
// Standard input: one JSON object, {"root": ..., "requests": [{"tool", "path", "kustomization"}]}. "flux" is Flux's own
// generator, which takes the spec of the Kustomization along and writes a kustomization.yaml where there is none;
// "kustomize" is what Argo CD runs for a folder with a kustomization.yaml. Standard output: a list with one answer per
// request, {"yaml"} or {"error"}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	flux "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

type request struct {
	Tool          string         `json:"tool"`
	Path          string         `json:"path"`
	Kustomization map[string]any `json:"kustomization"`
}

type answer struct {
	YAML  string `json:"yaml"`
	Error string `json:"error"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked struct {
		Root     string    `json:"root"`
		Requests []request `json:"requests"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	answers := make([]answer, 0, len(asked.Requests))
	for _, one := range asked.Requests {
		found, err := build(asked.Root, one)
		var text []byte
		if err == nil {
			text, err = found.AsYaml()
		}
		if err != nil {
			answers = append(answers, answer{Error: err.Error()})
			continue
		}
		answers = append(answers, answer{YAML: string(text)})
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func build(root string, one request) (resmap.ResMap, error) {
	folder := filepath.Join(root, one.Path)
	if one.Tool == "kustomize" {
		return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	}
	generator := flux.NewGenerator(root, unstructured.Unstructured{Object: one.Kustomization})
	action, err := generator.WriteFile(folder, flux.WithSaveOriginalKustomization())
	if err != nil {
		return nil, err
	}
	found, err := flux.SecureBuild(root, folder, false)
	if cleaned := flux.CleanDirectory(folder, action); err == nil {
		err = cleaned
	}
	return found, err
}
