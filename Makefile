# Everything a person does here, grouped. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
SERVICES := $(addprefix services/,analytics bot chat gateway notify search)
MEMBERS := libs/shared $(SERVICES) clients/python stack bench chaos
MANIFESTS := pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
ENVIRONMENT := $(VENV)/.in-step
WEB_MODULES := web/node_modules/.in-step
WEB_BUILD := web/dist/index.html
WEB_SOURCES := $(shell find web/src web/public web/index.html web/*.ts -type f 2>/dev/null)
NODE_PATH_PREFIX := $(shell tools/node-path 2>/dev/null)
NPM := PATH="$(NODE_PATH_PREFIX)$$PATH" npm

# Where it is set, every process compiles every module that it imports, at every start: half of what starting costs.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*?## "} /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} /^[a-zA-Z_-]+:.*?## / {printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run it
.PHONY: up down status seed
up: $(ENVIRONMENT) $(WEB_BUILD) ## Start everything, print the address, stop with Ctrl-C (TERTULIA_PORT, TERTULIA_DATA_DIR)
	@exec $(BIN)/tertulia up

down: $(ENVIRONMENT) ## Stop what `make up` started
	@$(BIN)/tertulia down

status: $(ENVIRONMENT) ## What runs, where, since when
	@$(BIN)/tertulia status

seed: $(ENVIRONMENT) ## Fill a running stack with a demo team's week
	@$(BIN)/tertulia seed

##@ Check it
.PHONY: check check-python check-web test test-full test-python test-e2e test-web format
# What uses one processor runs two at a time; the suites have as many workers as they can use. They need the page built.
test: ## Everything that CI runs
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-python check-web test-web web
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory test-e2e

check: check-python check-web ## Format, lint, types, import contracts, lock, generated contracts

check-python: $(ENVIRONMENT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python tools/check_lock.py
	$(BIN)/python tools/check_addresses.py
	$(BIN)/python tools/export_openapi.py --check
	$(BIN)/python tools/export_asyncapi.py --check

check-web: $(WEB_MODULES)
	cd web && $(NPM) run --silent lint && $(NPM) run --silent types
	cd web && $(NPM) exec --offline openapi-typescript -- ../docs/openapi.json -o src/api/schema.ts --check

test-web: $(WEB_MODULES)
	cd web && $(NPM) run --silent test

test-python: $(ENVIRONMENT) $(WEB_BUILD)
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m "not e2e and not full" -n 3 --dist worksteal
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=90

test-full: $(ENVIRONMENT) $(WEB_BUILD) ## The long variants of the suites: oracles and random faults
	$(BIN)/pytest -m full -n 2

# Without coverage: it makes every start of the stack longer, and the python suites alone hold the bound. Journeys of one
# file stay together: each worker has a stack of its own, which some of them break.
test-e2e: $(ENVIRONMENT) $(WEB_BUILD)
	$(BIN)/pytest -m "e2e and not full" -n 2 --dist loadfile

format: $(ENVIRONMENT) ## Put the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

##@ Measure it
.PHONY: bench chaos
bench: $(ENVIRONMENT) $(WEB_BUILD) ## Run the benchmark NAME (default: all), e.g. make bench NAME=send
	$(BIN)/python -m tertulia_bench $(or $(NAME),all)

chaos: $(ENVIRONMENT) $(WEB_BUILD) ## Run the fault scenario NAME (default: all), e.g. make chaos NAME=cuts ARGS="--short"
ifeq ($(NAME),kill)
	$(BIN)/pytest tests/e2e -m "e2e or full" -k kill -s
else
	$(BIN)/python -m tertulia_chaos $(or $(NAME),all) $(ARGS)
endif

##@ Change it
.PHONY: contracts migration lock web screenshots
contracts: $(ENVIRONMENT) $(WEB_MODULES) ## Write docs/openapi.json, docs/asyncapi.json and the web types from the code
	$(BIN)/python tools/export_openapi.py
	$(BIN)/python tools/export_asyncapi.py
	cd web && $(NPM) run --silent contract

migration: $(ENVIRONMENT) ## New migration of SERVICE (default: chat), e.g. make migration MESSAGE="add topics"
	cd services/$(or $(SERVICE),chat) && ../../$(BIN)/alembic revision -m "$(MESSAGE)"

lock: ## Resolve all dependencies anew and write requirements.lock
	$(BIN)/uv lock --upgrade
	$(BIN)/uv export --quiet --all-packages --no-emit-workspace --format requirements.txt --no-header > requirements.lock

web: $(WEB_BUILD) ## Build the web front end

screenshots: $(ENVIRONMENT) $(WEB_BUILD) ## Take the pictures in docs/screenshots from the running product
	$(BIN)/python tools/take_screenshots.py

##@ Prepare it
.PHONY: setup
setup: $(ENVIRONMENT) $(WEB_MODULES) ## Make the environment without starting anything

$(ENVIRONMENT): requirements.lock $(MANIFESTS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"
	@echo "Installing the Python packages …"
	@$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $@

$(WEB_MODULES): web/package-lock.json
	@echo "Installing the web packages …"
	@cd web && $(NPM) ci --silent --no-audit --no-fund
	@touch $@

$(WEB_BUILD): $(WEB_MODULES) $(WEB_SOURCES)
	@echo "Building the web front end …"
	@cd web && $(NPM) run --silent build
	@touch $@

##@ Ship it
.PHONY: deploy-check try-image images
deploy-check: $(ENVIRONMENT) ## Hold compose, manifests, rules and dashboards against what they start
	$(BIN)/pytest tests/deploy

try-image: $(ENVIRONMENT) ## Run the steps of PACKAGE's image without Docker (root, Linux), e.g. make try-image PACKAGE=chat
	$(BIN)/python tools/try_image.py $(or $(PACKAGE),chat) --extras "$(EXTRAS)"

images: ## Build every image with Docker, as docker-compose.yml names them
	docker compose build
