# `make help` lists what can be made.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE ?= production
export COMMAND

.PHONY: help venv demo demo-push demo-env demo-down test test-crash bench bench-app lint format crd iam-policy licences sbom audit e2e-kind

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## set up .venv with everything pinned in requirements.lock

$(VENV)/.installed: requirements.lock pyproject.toml backend/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed, make PYTHON=python3.12 for instance" >&2; exit 1; }
	@echo "setting up $(VENV) (once, a minute or two)..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@# setuptools warns of editable installations as such.
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . --editable backend
	@touch $@

demo: $(VENV)/.installed ## the main job on embedded parts (SAMPLE=production or development)
	@$(BIN)/python -m missyou_local demo --sample $(SAMPLE)

demo-push: $(VENV)/.installed ## register an image in the demo's ECR: TAG=v2 [COMMAND='echo broken; exit 1'] [APP=name]
	@test -n "$(TAG)" || { echo "which tag? make demo-push TAG=v2" >&2; exit 1; }
	@$(BIN)/python -m missyou_local push "$(TAG)" --app "$(APP)" --command "$$COMMAND"

demo-env: $(VENV)/.installed ## print the exports that lead kubectl and aws to the demo
	@$(BIN)/python -m missyou_local env

demo-down: $(VENV)/.installed ## stop all that the demo started
	@$(BIN)/python -m missyou_local down

test: $(VENV)/.installed ## everything CI runs: all tests
	@$(BIN)/python tests/groups.py

test-crash: $(VENV)/.installed ## every crash point, outage, storm and hand; writes docs/reliability.md (an hour)
	@MISSYOU_CRASH=all $(BIN)/python -m tests.crash.reliability

e2e-kind: $(VENV)/.installed ## build both images, deploy into a kind cluster, run the end-to-end tests there
	@$(BIN)/python tools/kind_e2e.py

bench: $(VENV)/.installed ## measure: creation, reaction, deletion
	@$(BIN)/python -m benchmarks.creation

bench-app: $(VENV)/.installed ## measure the backend: sending and listing with a million notifications
	@$(BIN)/python -m benchmarks.app

lint: $(VENV)/.installed ## lint, format, types, layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

licences: $(VENV)/.installed ## write docs/licences.md from what the locks install
	@$(BIN)/python tools/licences.py --write

sbom: $(VENV)/.installed ## write CycloneDX documents of what is shipped into build/
	@mkdir -p build
	@$(BIN)/python -m cyclonedx_py requirements requirements-operator.lock --output-reproducible --of JSON -o build/operator.cdx.json
	@$(BIN)/python -m cyclonedx_py requirements backend/requirements.lock --output-reproducible --of JSON -o build/backend.cdx.json

audit: $(VENV)/.installed ## look for known vulnerabilities in what is shipped (says SKIPPED where no service can be reached)
	@$(BIN)/python tools/audit.py

format: $(VENV)/.installed ## put the code into shape
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

crd: $(VENV)/.installed ## write crds/ and the chart's copy from the models
	@$(BIN)/missyou crd > crds/missyouapps.missyou.app.yaml
	@cp crds/missyouapps.missyou.app.yaml charts/missyou-operator/files/

iam-policy: $(VENV)/.installed ## write docs/iam-policy.json from what the resource classes declare
	@$(BIN)/missyou iam-policy > docs/iam-policy.json
