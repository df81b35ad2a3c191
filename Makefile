# Barista on one machine. `make help` says what there is.
# Settings: PORT (8000), BARISTA_HOME (.barista), BARISTA_DEMO_PASSWORD, BARISTA_KUBECONFIG and BARISTA_KUBE_CONTEXT (use a
# cluster of yours), SEED, KUBEBUILDER_ASSETS (ready binaries), LOG=all, PYTEST_ARGS, ONLY.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
WORKERS ?= 2

RUNTIME := requirements.txt embedded/requirements.txt
DEVELOPMENT := requirements-dev.txt $(RUNTIME) $(wildcard requirements-spark.txt)

.PHONY: help demo test lint format screenshots bench prove sbom clean clean-cache
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.runtime ## the whole product on this machine, at http://127.0.0.1:8000
	@BARISTA_DIE_WITH_PARENT=1 exec $(BIN)/python -m embedded.stack demo

test: $(VENV)/.development ## the whole suite on the real stack; PYTEST_ARGS="-k name" for a part
	@$(BIN)/python -m embedded.kubernetes.build
	@exec $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

lint: $(VENV)/.development ## style, types, templates (import rules, migrations and settings are tests)
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash embedded/lint.sh

format: $(VENV)/.development ## rewrite Python files in the house style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

screenshots: $(VENV)/.development ## pictures of every page for the README, from a running demo
	@exec $(BIN)/python -m embedded.screenshots

bench: $(VENV)/.development ## benchmarks against peers; ONLY=name for one
	@exec $(BIN)/python -m benchmarks $(ONLY)

prove: $(VENV)/.development ## long trials of what must never be wrong; ONLY=name for one
	@exec $(BIN)/python -m benchmarks.prove $(ONLY)

# Installed as the Dockerfile does, since a developer's environment holds more.
sbom: ## what the image holds and under which licences: build/sbom.cdx.json and build/licences.md
	rm -rf build
	$(PYTHON) -m venv build/image
	build/image/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements.txt
	$(PYTHON) -m venv build/tools
	build/tools/bin/pip install --quiet --disable-pip-version-check -r deploy/requirements-sbom.txt
	build/tools/bin/cyclonedx-py environment --output-format JSON --output-file build/sbom.cdx.json build/image/bin/python
	build/tools/bin/pip-licenses --python=build/image/bin/python --format=markdown --with-urls --output-file=build/licences.md
	@du -sh build/image
	rm -rf build/image build/tools

clean: ## stop and forget the demo's state, and remove the tools' caches
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m embedded.stack clean; fi
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache staticfiles

clean-cache: ## delete what only the build of the control plane needs (about 6 GB)
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m embedded.kubernetes.build --clean; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Barista needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# A stamp is written last: an installation that was interrupted is done again.
$(VENV)/.runtime: $(RUNTIME) constraints.txt | $(BIN)/python
	@echo "Installing the Python packages (once, and when the requirements change)"
	$(PIP) $(addprefix -r ,$(RUNTIME))
	@touch $@

$(VENV)/.development: $(DEVELOPMENT) constraints.txt | $(BIN)/python
	@echo "Installing the Python packages of the tests and linters (once, and when the requirements change)"
	$(PIP) $(addprefix -r ,$(DEVELOPMENT))
	@touch $@ $(VENV)/.runtime
