# Doors of the repository: make run, make test, make proof, make bench, make lint, make lock, make wheel, make bundle.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: run test proof bench lint wheel bundle assets lock clean

run: $(VENV)/.project assets
	@exec $(BIN)/otklik stand

test: $(VENV)/.dev assets
	@exec $(BIN)/python scripts/suite.py

proof: $(VENV)/.dev assets
	OTKLIK_PROOF=full $(BIN)/python -m pytest -m proof --db=sqlite -s
	OTKLIK_PROOF=full $(BIN)/python -m pytest -m "proof and not once and not browser" --db=postgres -s

bench: $(VENV)/.dev assets
	@exec $(BIN)/python scripts/bench.py $(or $(N),100000)

lint: $(VENV)/.dev
	@exec $(BIN)/python scripts/suite.py --lint-only

wheel: $(VENV)/.dev assets
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

# One archive for a network without registries: docs/install-offline.md
bundle: $(VENV)/.dev assets
	$(BIN)/python scripts/bundle.py

assets: $(VENV)/.node_modules
	@$(BIN)/python scripts/vendor.py

lock: $(VENV)/.dev
	cd requirements && for set in base build node dev encoder embeddings; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $$set.in -o $$set.txt; \
	done
	npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

clean:
	rm -rf $(VENV) node_modules dist build otklik/static/vendor .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Нужен Python 3.11 или новее: make $(MAKECMDGOALS) PYTHON=/путь/к/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: requirements/base.txt requirements/build.txt | $(BIN)/python
	$(PIP) --require-hashes -r requirements/base.txt -r requirements/build.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.project
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.project: pyproject.toml hatch_build.py requirements/base.in $(VENV)/.base
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Node.js from PATH; where there is none, from PyPI.
$(VENV)/.node_modules: package.json package-lock.json requirements/node.txt | $(BIN)/python
	@command -v npm >/dev/null || $(PIP) --require-hashes -r requirements/node.txt
	PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
