# Rapport: everything a newcomer, a developer and CI need, by name. `make` alone lists it.

PYTHON ?= python3
# Ports of the local stack, for a machine where the usual ones are taken: make up KAFKA_PORT=19092
KAFKA_PORT ?= 9092
MONGO_PORT ?= 27017
# Test processes side by side, each with a broker and a store server of its own
WORKERS ?= 2
FROM ?=
ARGS ?=

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
BIN := .venv/bin
STAMP := .venv/.stamp-$(shell cksum requirements/dev.lock | cut -d ' ' -f 1)
export KAFKA_PORT MONGO_PORT

DOCKER_ANSWERS := docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1

.PHONY: help demo up down reset containers setup test test-ops check bench docs lock _python

##@ First steps

demo: setup ## Start the platform and let a simulated clinic use it (FROM=file.csv replays a log)
	@$(BIN)/python -m services demo $(if $(FROM),--from "$(FROM)") $(ARGS)

up: setup ## Start Kafka, the store and all four services on http://127.0.0.1:8080
	@$(BIN)/python -m services up

down: _python ## Stop everything that up, demo or containers started; the data stays
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m services down; $(PYTHON) -m deploy.local down

reset: down ## The same, and forget the data
	@rm -rf .run/native
	@if $(DOCKER_ANSWERS); then docker compose down --volumes; fi
	@echo "The local data is gone; the next make up starts empty."

containers: setup ## Run the whole platform as containers, with gateway, Prometheus, Grafana and Mailpit (needs Docker)
	@$(DOCKER_ANSWERS) || { echo "make containers needs a Docker daemon and the compose plugin;" \
		"without them use make up, which needs neither." >&2; exit 1; }
	@RAPPORT_JWT_KEYS="$${RAPPORT_JWT_KEYS:-$$($(BIN)/python -m deploy.keys)}" docker compose up --build --detach --wait
	@echo "API http://127.0.0.1:8080 · Grafana http://127.0.0.1:3000 · mail http://127.0.0.1:8025"

##@ Working on it

setup: $(STAMP) ## Make .venv with the locked dependencies

test: setup ## Every test that needs nothing more (ARGS="-k alert" chooses)
	@$(BIN)/python -m pytest -m "not ops" --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

test-ops: setup ## The tests that need Prometheus and Caddy
	@missing=; for tool in prometheus promtool caddy; do \
		command -v $$tool >/dev/null 2>&1 || missing="$$missing $$tool"; done; \
	[ -z "$$missing" ] || { echo "make test-ops needs prometheus, promtool and caddy on the PATH; not found:$$missing." \
		"Debian: apt-get install prometheus caddy. macOS: brew install prometheus caddy." >&2; exit 1; }
	@$(BIN)/python -m pytest -m ops $(ARGS)

check: setup ## Lint, types, import rules, architecture tests, generated files
	@echo "ruff check" && $(BIN)/ruff check .
	@echo "ruff format" && $(BIN)/ruff format --check .
	@echo "mypy" && $(BIN)/mypy
	@echo "import rules" && $(BIN)/lint-imports
	@echo "generated files" && $(BIN)/python -m deploy.generate --check
	@echo "architecture" && $(BIN)/python -m pytest -q tests/architecture

bench: setup ## Measure what is promised, into .run/bench.json
	@$(BIN)/python -m benchmarks $(ARGS)

##@ Generated files

docs: setup ## Write the generated files again: API, events, gateway, dashboards
	@$(BIN)/python -m deploy.generate

lock: ## Resolve the dependencies of pyproject.toml again, into requirements/
	@$(PYTHON) -m venv .run/lock && .run/lock/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
	@for extra in runtime dev; do \
		.run/lock/bin/uv pip compile pyproject.toml --output-file requirements/$$extra.lock --quiet \
			$$([ $$extra = runtime ] || echo --extra $$extra --constraint requirements/runtime.lock) \
			--universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" || exit 1; done
	@echo "Look at git diff requirements/, then run make check test."

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

# ---------------------------------------------------------------------------------------------------------------------

_python:
	@command -v $(PYTHON) >/dev/null 2>&1 && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Rapport needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1):" \
			"install it and name it, for example make setup PYTHON=python3.12." >&2; exit 1; }

$(STAMP): | _python
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) cannot make a virtual" \
		"environment: install its venv module (Debian: apt-get install python3-venv) and try again." >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv (once, about half a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock || { \
		echo "The dependencies could not be installed: see the line above, check the network and try again." >&2; exit 1; }
	@rm -f .venv/.stamp-* && touch $@
