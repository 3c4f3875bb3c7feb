# `make help` lists what can be made.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE ?= production
STACKS ?= 100
SETUP = command -v $(PYTHON) >/dev/null || { echo "setup: $(PYTHON) is missing: install Python, or make PYTHON=..." >&2; exit 1; }; $(PYTHON) tools/setup_venv.py
export COMMAND

.PHONY: help venv venv-demo lock demo demo-push demo-env demo-down test test-fast test-crash bench bench-soak bench-app lint format crd chart compared-fields changes iam-policy licences sbom audit e2e-kind

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One line says what is wrong; a complete .venv is left alone, and the demo uses a complete development .venv.
venv: ## set up .venv with everything that development needs
	@$(SETUP) development

venv-demo: ## set up .venv with what the demo needs
	@$(SETUP) demo

demo: ## run the operator on the local cloud (SAMPLE=production or development)
	@$(SETUP) demo --forecast
	@$(BIN)/python -m missyou_local demo --sample $(SAMPLE)

demo-push: venv-demo ## register an image in the demo's ECR: TAG=v2 [COMMAND='echo broken; exit 1'] [APP=name]
	@test -n "$(TAG)" || { echo "which tag? make demo-push TAG=v2" >&2; exit 1; }
	@$(BIN)/python -m missyou_local push "$(TAG)" --app "$(APP)" --command "$$COMMAND"

demo-env: venv-demo ## print the exports that point kubectl and aws to the demo
	@$(BIN)/python -m missyou_local env

demo-down: venv-demo ## stop everything that the demo started
	@$(BIN)/python -m missyou_local down

test: venv ## run all tests, or those of GROUPS="pure passes-1"
	@$(BIN)/python -m tests.run $(GROUPS)

test-fast: venv ## test after each edit: pure parts, resource classes, one whole stack
	@$(BIN)/python -m tests.run --fast

test-crash: venv ## run every crash point, outage, storm and foreign change; write docs/reliability.md
	@$(BIN)/python -m tests.crash.reliability

e2e-kind: venv ## build both images, deploy into a kind cluster, run the end-to-end tests there
	@$(BIN)/python tools/kind_e2e.py

bench: venv ## measure what a fleet costs and how replicas share it (writes docs/benchmarks), a settled pass, and creation, reaction and deletion
	@PYTHONPATH=operator:local:. $(BIN)/python -m benchmarks.fleet --all --stacks $(STACKS)
	@PYTHONPATH=operator:local:. $(BIN)/python -m benchmarks.sharding --stacks $(STACKS)
	@PYTHONPATH=operator:local:. $(BIN)/python -m benchmarks.reaction --apps $(STACKS) --changes 100
	@$(BIN)/python -m benchmarks.settled
	@$(BIN)/python -m benchmarks.creation

bench-soak: venv ## let the operator work for half an hour, and see whether it grows; what a fleet costs half an hour after a start (writes docs/benchmarks)
	@PYTHONPATH=operator:local:. $(BIN)/python -m benchmarks.soak
	@PYTHONPATH=operator:local:. $(BIN)/python -m benchmarks.later --stacks $(STACKS)

bench-app: venv ## measure the backend: sending and listing with a million notifications
	@$(BIN)/python -m benchmarks.app

lint: venv ## check lint, format, types, layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

lock: ## write all locks: UPGRADE=boto3 takes its newest version, UPGRADE=--upgrade everything's
	@$(PYTHON) -m tools.lock $(UPGRADE)

licences: venv ## write docs/licences.md from what the locks install
	@$(BIN)/python tools/licences.py --write

sbom: venv ## write CycloneDX documents of what ships into build/
	@mkdir -p build
	@$(BIN)/python -m cyclonedx_py requirements requirements-operator.lock --output-reproducible --of JSON -o build/operator.cdx.json
	@$(BIN)/python -m cyclonedx_py requirements backend/requirements.lock --output-reproducible --of JSON -o build/backend.cdx.json

audit: venv ## find known vulnerabilities in what ships (SKIPPED if the service cannot be reached)
	@$(BIN)/python tools/audit.py

format: venv ## fix lint and format
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

chart: ## copy the admission policies into the chart
	@cp manifests/base/admission.yaml charts/missyou-operator/files/admission.yaml
	@cp manifests/tenancy/policy.yaml charts/missyou-operator/files/tenancy.yaml

crd: venv ## write crds/ and the chart's copies from the models
	@for plural in missyouapps missyoutenants; do \
	    $(BIN)/missyou crd $$plural > crds/$$plural.missyou.app.yaml; \
	    cp crds/$$plural.missyou.app.yaml charts/missyou-operator/files/; \
	done

troubleshooting: venv ## write the tables of docs/troubleshooting.md from the catalogue of reasons
	@$(BIN)/python -m tools.troubleshooting

compared-fields: venv ## write docs/compared-fields.md from tools/compared
	@$(BIN)/python -m tools.compared

changes: venv ## write docs/changes.md from what the resource classes declare
	@$(BIN)/python -m tools.changes

# An account, a cluster and a zone of nobody: what the file allows as it stands, it allows nobody.
EXAMPLE_LIMITS := --account 123456789012 --region eu-central-1 --cluster 00000000-0000-0000-0000-000000000000 --zone Z0123456789ABCDEFGHIJ --permissions-boundary missyou-boundary

iam-policy: venv ## write docs/iam-policy.json from what the resource classes declare
	@$(BIN)/missyou iam-policy $(EXAMPLE_LIMITS) > docs/iam-policy.json
