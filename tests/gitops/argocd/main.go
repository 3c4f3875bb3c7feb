// Command argocd says what Argo CD makes of our links and notifications, by the libraries that it uses for them.
//
// Standard input: one JSON object, {"links": text of resource.links, "notifications": data of argocd-notifications-cm,
// "resources": objects, "apps": Applications}. Standard output: {"links": for each object the links that it is shown with,
// "notes": for each Application and trigger {"triggered", "oncePer", "message", "subject"}}. Sources: Argo CD 3.5.1,
// server/deeplinks and util/settings (DeepLink); notifications-engine, pkg/triggers and pkg/templates.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/templates"
	"github.com/argoproj/notifications-engine/pkg/triggers"
	"github.com/expr-lang/expr"
	"sigs.k8s.io/yaml"
)

type deepLink struct {
	URL         string  `json:"url"`
	Title       string  `json:"title"`
	Description *string `json:"description,omitempty"`
	IconClass   *string `json:"icon.class,omitempty"`
	Condition   *string `json:"if,omitempty"`
}

type link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

type note struct {
	Triggered bool   `json:"triggered"`
	OncePer   string `json:"oncePer"`
	Message   string `json:"message"`
	Subject   string `json:"subject"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked struct {
		Links         string            `json:"links"`
		Notifications map[string]string `json:"notifications"`
		Resources     []map[string]any  `json:"resources"`
		Apps          []map[string]any  `json:"apps"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	var links []deepLink
	if err := yaml.UnmarshalStrict([]byte(asked.Links), &links); err != nil {
		return err
	}
	answer := struct {
		Links [][]link          `json:"links"`
		Notes []map[string]note `json:"notes"`
	}{[][]link{}, []map[string]note{}}
	for _, object := range asked.Resources {
		found, err := linksOf(links, map[string]any{"resource": object})
		if err != nil {
			return err
		}
		answer.Links = append(answer.Links, found)
	}
	for _, app := range asked.Apps {
		found, err := notesOf(asked.Notifications, app)
		if err != nil {
			return err
		}
		answer.Notes = append(answer.Notes, found)
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func linksOf(links []deepLink, object map[string]any) ([]link, error) {
	found := []link{}
	for _, each := range links {
		if each.Condition != nil {
			shown, err := expr.Eval(*each.Condition, object)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", each.Title, err)
			}
			if yes, ok := shown.(bool); !ok || !yes {
				continue
			}
		}
		parsed, err := template.New("deep-link").Funcs(sprig.GenericFuncMap()).Parse(each.URL)
		if err != nil {
			return nil, err
		}
		var url bytes.Buffer
		if err := parsed.Execute(&url, object); err != nil {
			return nil, err
		}
		found = append(found, link{each.Title, url.String()})
	}
	return found, nil
}

func notesOf(data map[string]string, app map[string]any) (map[string]note, error) {
	conditions, bodies := map[string][]triggers.Condition{}, map[string]services.Notification{}
	for key, text := range data {
		if name, ok := strings.CutPrefix(key, "trigger."); ok {
			var parsed []triggers.Condition
			if err := yaml.UnmarshalStrict([]byte(text), &parsed); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			conditions[name] = parsed
		}
		if name, ok := strings.CutPrefix(key, "template."); ok {
			var parsed services.Notification
			if err := yaml.UnmarshalStrict([]byte(text), &parsed); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			bodies[name] = parsed
		}
	}
	judge, err := triggers.NewService(conditions)
	if err != nil {
		return nil, err
	}
	writer, err := templates.NewService(bodies)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{"app": app, "context": map[string]string{"argocdUrl": "https://argocd.example.com"}}
	found := map[string]note{}
	for name := range conditions {
		results, err := judge.Run(name, vars)
		if err != nil {
			return nil, err
		}
		for _, result := range results {
			said := note{Triggered: result.Triggered, OncePer: result.OncePer}
			if result.Triggered {
				written, err := writer.FormatNotification(vars, result.Templates...)
				if err != nil {
					return nil, err
				}
				said.Message = written.Message
				if written.Email != nil {
					said.Subject = written.Email.Subject
				}
			}
			found[name] = said
		}
	}
	return found, nil
}
