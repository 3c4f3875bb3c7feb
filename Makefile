# `make help` lists what can be made.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE ?= production

.PHONY: help venv demo demo-env demo-down test bench lint format crd

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## set up .venv with everything pinned in requirements.lock

$(VENV)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed, make PYTHON=python3.12 for instance" >&2; exit 1; }
	@echo "setting up $(VENV) (once, a minute or two)..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.installed ## the main job on embedded parts (SAMPLE=production or development)
	@$(BIN)/python -m missyou_local demo --sample $(SAMPLE)

demo-env: $(VENV)/.installed ## print the exports that lead kubectl and aws to the demo
	@$(BIN)/python -m missyou_local env

demo-down: $(VENV)/.installed ## stop all that the demo started
	@$(BIN)/python -m missyou_local down

test: $(VENV)/.installed ## everything CI runs: all tests
	@$(BIN)/python tests/groups.py

bench: $(VENV)/.installed ## measure: creation, reaction, deletion
	@$(BIN)/python -m benchmarks.creation

lint: $(VENV)/.installed ## lint, format, types, layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

format: $(VENV)/.installed ## put the code into shape
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

crd: $(VENV)/.installed ## write crds/ from the models
	@$(BIN)/missyou crd > crds/missyouapps.missyou.app.yaml
