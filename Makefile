# Two commands are all that a newcomer needs: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
SAM := .venv-sam
LITELLM := .venv-litellm
NODE := tests/clients/node_modules
BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check --no-deps
PIP_INSTALL := $(PIP) --require-hashes -r
# The command line out of this checkout; what it needs and what builds it is in the lock.
CLI_INSTALL = $(BIN)/python $(PIP) --no-build-isolation --editable cli

.DEFAULT_GOAL := help
.PHONY: help run test clients lint openapi examples bench simulate mutate deploy token lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Start everything on this machine and make the sample film (ONCE=1: then stop)
	@$(BIN)/python -m local $(if $(ONCE),--once)

test: ## Run all tests
	@$(MAKE) --no-print-directory --jobs 4 $(VENV)/.test $(SAM)/.done clients
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

clients: $(LITELLM)/.done $(NODE)/.done ## Install the clients of others that are tried out

lint: $(VENV)/.test ## Check style, types and the template
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint template.yaml

openapi: $(VENV)/.run ## Write the description of the API anew, from the models
	@PYTHONPATH=.:layers/filmgate $(BIN)/python -m openapi

examples: $(VENV)/.test ## Take the answers to the samples as the description's examples
	@$(BIN)/python -m pytest tests/functions/test_samples.py -k walk --record-examples
	@PYTHONPATH=.:layers/filmgate $(BIN)/python -m openapi

bench: $(VENV)/.test ## Print the benchmark table
	@$(BIN)/python -m pytest tests/benchmarks -s

simulate: $(VENV)/.test ## Play 100,000 random histories of the money core (HISTORIES=n)
	@PYTHONPATH=.:layers/filmgate:layers/media $(BIN)/python -m tests.simulation \
		--histories $(or $(HISTORIES),100000)

mutate: $(VENV)/.test ## Change the money modules in one place at a time: do the tests notice?
	@PYTHONPATH=.:layers/filmgate:layers/media $(BIN)/python -m tests.mutation

deploy: $(SAM)/.done ## Build and deploy to AWS with SAM (asks before it changes anything)
	@$(SAM)/bin/sam build && $(SAM)/bin/sam deploy

token: $(VENV)/.run ## Make an admin token for a deployed stack (STACK=filmgate-dev)
	@$(BIN)/python -m local.owner token --stack $(or $(STACK),filmgate-dev)

lock: ## Resolve the dependencies again and write the lock files (needs uv)
	uv pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 \
		--generate-hashes pyproject.toml --group media --group local --group test \
		-o requirements-test.lock
	uv pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 \
		--generate-hashes pyproject.toml --group media --group local \
		-c requirements-test.lock -o requirements-run.lock
	echo "litellm==1.106.2" | uv pip compile --quiet --universal --no-header --no-annotate \
		--python-version 3.11 --generate-hashes - -o requirements-litellm.lock
	echo "aws-sam-cli>=1.170,<2" | uv pip compile --quiet --universal --no-header --no-annotate \
		--python-version 3.11 --generate-hashes - -o requirements-sam.lock

clean: ## Forget all local state and environments
	rm -rf .local $(VENV) $(SAM) $(LITELLM) $(NODE) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Filmgate needs Python 3.11 or later; choose one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "This Python has no venv. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: requirements-run.lock cli/pyproject.toml | $(VENV)/bin/python
	@echo "Setting up the Python environment, this one time: about half a minute"
	@$(BIN)/python $(PIP_INSTALL) requirements-run.lock
	@$(CLI_INSTALL)
	@touch $@

$(VENV)/.test: requirements-test.lock cli/pyproject.toml | $(VENV)/bin/python
	@echo "Setting up the test environment, this one time: about a minute"
	@$(BIN)/python $(PIP_INSTALL) requirements-test.lock
	@$(CLI_INSTALL)
	@touch $@ $(VENV)/.run

$(SAM)/.done: requirements-sam.lock | $(VENV)/bin/python
	@echo "Setting up the SAM command line, this one time: about a minute"
	@$(BIN)/python -m venv $(SAM)
	@$(SAM)/bin/python $(PIP_INSTALL) requirements-sam.lock
	@touch $@

$(LITELLM)/.done: requirements-litellm.lock | $(VENV)/bin/python
	@echo "Setting up litellm, which needs an environment of its own, this one time: about a minute"
	@$(BIN)/python -m venv $(LITELLM)
	@$(LITELLM)/bin/python $(PIP_INSTALL) requirements-litellm.lock
	@touch $@

$(NODE)/.done: tests/clients/package-lock.json
	@if command -v npm > /dev/null; then \
		echo "Installing the clients for Node.js, this one time: a few seconds"; \
		cd tests/clients && npm ci --silent --no-audit --no-fund && touch node_modules/.done; \
	else echo "There is no npm here: tests of clients for Node.js are left out"; fi
