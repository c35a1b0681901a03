# Two commands matter: `make run` and `make test`. Both set up all they need on a machine with Python 3.11 and make.
#   PORT=8001 INSTANCE=/tmp/second make run     a second copy beside the first
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes
UV_COMPILE := $(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet

.PHONY: help run test bench faults lint types imports test-sqlite test-postgresql test-browser chromium format lock venv venv-dev clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

venv: $(RUNTIME) ## Install what runs Portico (run does it by itself)

venv-dev: $(DEV) ## Install what tests and checks it too (test does it by itself)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Portico needs Python 3.11: no python3.11 or python3 is on the PATH."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Portico needs Python 3.11 or newer; $(PYTHON) is older."; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "No virtual environment could be made: install the package python3-venv."; exit 1; }

$(RUNTIME): requirements.lock | $(BIN)/python
	@echo "Installing Portico (once)"
	@$(PIP) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing its tests and checks (once)"
	@$(PIP) -r requirements-dev.lock
	@touch $@

lock: $(DEV) ## Resolve and hash the dependencies anew
	$(UV_COMPILE) $(LOCK_ARGS) requirements.txt -o requirements.lock
	$(UV_COMPILE) $(LOCK_ARGS) requirements-dev.txt -o requirements-dev.lock
