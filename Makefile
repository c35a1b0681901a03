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
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --no-compile --require-hashes
UV_COMPILE := $(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet

.NOTPARALLEL:
.PHONY: help venv venv-dev run test lint types format test-sqlite test-postgresql test-browser bench faults chromium lock messages clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | awk -F'|' '{ printf "  %-10s %s\n", $$1, $$2 }'

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

messages: $(DEV) ## Find what is to be translated and bring the catalogues of translations/ up to date
	$(BIN)/python -m translations

run: $(RUNTIME) ## Start Portico with all it needs: PORT=8000 INSTANCE=instance
	@exec $(BIN)/python -m sandbox --follow-parent

test: lint types test-sqlite test-postgresql test-browser ## Check everything: style, types, imports, tests on both databases, in a browser

lint: $(DEV) ## Check style, format and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports --no-logo

types: $(DEV) ## Check types
	$(BIN)/mypy

format: $(DEV) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-sqlite: $(DEV)
	$(BIN)/python -m pytest -m "not browser and not faults" --database sqlite

test-postgresql: $(DEV)
	$(BIN)/python -m pytest -m "not browser and not faults and not once" --database postgresql

test-browser: $(DEV) chromium
	$(BIN)/python -m pytest -m browser --dist worksteal

bench: $(DEV) ## Measure: reads, logins, queries per request, timing of known and unknown addresses, start-up
	$(BIN)/python -m benchmarks

faults: $(DEV) ## Break what Portico stands on, and count what is lost
	$(BIN)/python -m pytest -m faults -n 0 -v

chromium:
	@if ! command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests (once)"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else \
	    echo "The browser tests need Chromium: install the package chromium (or google-chrome) and run this again."; exit 1; \
	  fi; \
	fi

clean: ## Remove the virtual environment and all caches; data in instance/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
