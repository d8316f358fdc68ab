# `make` says what there is to make. Needs make and Python 3.11 or newer; everything else is installed into .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first of these that runs and is new enough.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$python" && break; done)
# The version that the functions run on, where this machine has it; a shim that stands for an absent version does not count.
PYTHON313 := $(shell for python in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$python" && break; done)

BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
# With the layer's source to import, and nothing of the user's own AWS set-up.
ENV := env -u AWS_PROFILE AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_DEFAULT_REGION=us-east-1 \
	PYTHONPATH=layers/switchboard
PY := $(ENV) $(BIN)/python

export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## say what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

.PHONY: demo
demo: .venv/installed ## take one phone number through its life on a fresh local stack
	@$(PY) -m local demo

.PHONY: local
local: .venv/installed ## keep a local stack running until Ctrl-C
	@$(PY) -m local up

.PHONY: ring
ring: .venv/installed ## let somebody call a number of the running stack: make ring FROM=+14155550100 TO=+1...
	@$(PY) -m local ring --from '$(FROM)' --to '$(TO)'

.PHONY: test
test: .venv/installed ## run all tests, those on the deployed template included
	@$(PY) -m pytest -n auto

.PHONY: bench
bench: .venv-bench/installed ## say what a call costs, beside bare boto3, FastAPI with Mangum, and Powertools
	@$(ENV) .venv-bench/bin/python -m tests.bench

.PHONY: check
check: .venv/installed unit313 ## lint, types, template, OpenAPI, the production build; unit tests on Python 3.13 where there is one
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(PY) -m mypy layers/switchboard/places.py layers/switchboard/switchboard functions local tests/stack
	$(PY) -m local.pins --check
	$(PY) -m local.openapi --check
	$(ENV) $(BIN)/sam validate --lint
	$(BIN)/cfn-lint --append-rules cfn_lint_serverless.rules -- template.yaml
	@mkdir -p .local/production
	$(ENV) LAYER_PYTHON=$(CURDIR)/$(BIN)/python LAYER_CACHE=$(CURDIR)/.local/cache $(BIN)/sam build \
		--build-dir .local/production/build > .local/production/log 2>&1 || { cat .local/production/log; exit 1; }
	@! find .local/production/build -name '*.so' | grep -v cpython-313-aarch64 \
		|| { echo 'The layer is not built for python3.13 on arm64.'; exit 1; }

.PHONY: unit313
ifdef PYTHON313
unit313: .venv313/installed
	PYTHONPATH=layers/switchboard .venv313/bin/python -m pytest --quiet tests/unit
else
unit313:
	@echo 'No Python 3.13 here: the unit tests run on $(PYTHON) only.'
endif

.PHONY: openapi
openapi: .venv/installed ## write docs/openapi.json anew
	$(PY) -m local.openapi --write

.PHONY: deploy
deploy: .venv/installed ## deploy to your own AWS account
	LAYER_PYTHON=$(CURDIR)/$(BIN)/python $(BIN)/sam build
	$(BIN)/sam deploy --guided

.PHONY: client
client: .venv/installed ## let an API client of your deployment act for a business: make client BUSINESS=acme CLIENT=FirstClientId
	PYTHONPATH=layers/switchboard $(BIN)/python -m local.client --business '$(BUSINESS)' --client '$(CLIENT)'

.PHONY: recount
recount: .venv/installed ## hold a number's usage, or a business's, against its calls: make recount NUMBER=pn_... or BUSINESS=acme, REPAIR=1 counts what has not been
	PYTHONPATH=layers/switchboard $(BIN)/python -m local.recount $(if $(NUMBER),--number '$(NUMBER)',--business '$(BUSINESS)') $(if $(REPAIR),--repair)

.PHONY: budget
budget: .venv/installed ## limit what a business's numbers may cost a month: make budget BUSINESS=acme CENTS=5000
	PYTHONPATH=layers/switchboard $(BIN)/python -m local.budget --business '$(BUSINESS)' --cents '$(CENTS)'

.PHONY: reconcile
reconcile: .venv/installed ## compare carriers, Vapi and table of your deployment; DRY_RUN=1 changes nothing
	PYTHONPATH=layers/switchboard $(BIN)/python -m local.reconcile $(if $(DRY_RUN),--dry-run)

# Made anew whenever a pin changes. Every package is pinned, so nothing is left to resolve (which takes a minute).
.venv/installed: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed'; exit 1; }
	@echo 'Installing what is needed into .venv (a minute or two, once)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP_INSTALL) --no-deps \
		--requirement <($(BIN)/python -m local.pins dev) --requirement <($(BIN)/python -m local.pins transitive)
	@$(BIN)/python -m pip check --disable-pip-version-check > /dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $@

.venv313/installed: pyproject.toml
	@$(PYTHON313) -m venv .venv313
	@.venv313/bin/python $(PIP_INSTALL) \
		--requirement <($(PYTHON313) -m local.pins unit) --constraint <($(PYTHON313) -m local.pins transitive)
	@touch $@

.venv-bench/installed: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed'; exit 1; }
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python $(PIP_INSTALL) \
		--requirement <($(PYTHON) -m local.pins bench) --constraint <($(PYTHON) -m local.pins transitive)
	@touch $@
