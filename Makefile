# Headrace: everything a contributor types. `make` alone lists the targets.

VENV      := .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ARGS      ?=

# The first interpreter on PATH that is new enough; `make PYTHON=/path/to/python3.12 ...` overrides it.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help install demo test bench lint fmt docs clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv and install Headrace into it, editable, with everything for development

$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { \
		echo "No Python 3.11 or newer on PATH. Install one, or say: make PYTHON=/path/to/python3.12 install" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11. Say: make PYTHON=/path/to/python3.12 install" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "Could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (about a minute) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: install ## Run two real flows through the whole system on this machine, then stop everything
	@$(BIN)/python scripts/demo.py

test: install ## Run the whole test suite (ARGS="-k name" for a part, ARGS="--cov" for coverage)
	@sh scripts/fetch_sshd.sh $(VENV)/debian
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

bench: install ## Measure every budget on this machine (ARGS="--only cli cancel", ARGS="--json")
	@$(BIN)/python -m benchmarks $(ARGS)

lint: install ## Check style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: install ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: install ## Write the generated pages under docs/reference
	$(BIN)/python -m headrace.cli.reference
	$(BIN)/python -m headrace.project.schema
	$(BIN)/python -m scripts.state_diagram

clean: ## Remove the virtual environment and all that was generated
	rm -rf $(VENV) .demo reports build dist htmlcov .coverage
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
