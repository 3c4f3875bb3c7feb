// Checks the types in ValidatingAdmissionPolicies, as kube-controller-manager does for status.typeChecking: by the
// API server's own checker, on the schemas that a running API server publishes. Beyond that controller it checks
// matchConditions, variables and auditAnnotations.
//
//	expressions <kubeconfig> <policy.json>…     prints a JSON list of {policy, field, warning}
package main

import (
	"encoding/json"
	"fmt"
	"os"

	v1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

type warning struct {
	Policy  string `json:"policy"`
	Field   string `json:"field"`
	Warning string `json:"warning"`
}

func main() {
	warnings, err := check(os.Args[1], os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(warnings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(kubeconfig string, paths []string) ([]warning, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		return nil, err
	}
	checker := &validating.TypeChecker{
		SchemaResolver: &resolver.ClientDiscoveryResolver{Discovery: client},
		RestMapper:     restmapper.NewDiscoveryRESTMapper(groups),
	}
	warnings := []warning{}
	for _, path := range paths {
		found, err := checked(checker, path)
		if err != nil {
			return nil, err
		}
		warnings = append(warnings, found...)
	}
	return warnings, nil
}

func checked(checker *validating.TypeChecker, path string) ([]warning, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	policy := &v1.ValidatingAdmissionPolicy{}
	if err := json.Unmarshal(text, policy); err != nil {
		return nil, err
	}
	// Where the checker knows no type it checks nothing, and says nothing.
	context := checker.CreateContext(policy)
	if len(checker.CheckExpression(context, "object.metadata.nosuchfield")) != 1 {
		return nil, fmt.Errorf("%s: the type of its objects is unknown", policy.Name)
	}
	found := []warning{}
	for _, each := range checker.Check(policy) {
		found = append(found, warning{policy.Name, each.FieldRef, each.Warning})
	}
	more := map[string]string{}
	for _, each := range policy.Spec.MatchConditions {
		more["matchConditions "+each.Name] = each.Expression
	}
	for _, each := range policy.Spec.Variables {
		more["variables "+each.Name] = "variables." + each.Name
	}
	for _, each := range policy.Spec.AuditAnnotations {
		more["auditAnnotations "+each.Key] = each.ValueExpression
	}
	for field, expression := range more {
		if results := checker.CheckExpression(context, expression); len(results) != 0 {
			found = append(found, warning{policy.Name, field, results.String()})
		}
	}
	return found, nil
}
