# Everything a newcomer needs: `make run` starts Warmline, `make test` runs every check. Needs Python 3.11+, Node 20+, git.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
SOURCES := server worker.py tests chaos bench migrations/env.py
# What fails runs once more, and is named RERUN at the end: such a test is to be repaired. An experiment that breaks a promise
# does not run again; one that the machine was too busy for does.
AGAIN := --reruns 1 -r fER
BENCHES := hits eye screens drain sync start viewer campaigns inbound

.DEFAULT_GOAL := help
.PHONY: help run build extension test lint bench chaos i18n clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: build ## Start everything; Ctrl-C stops it (PORT=8000, WARMLINE_HOME=./var)
	@exec $(BIN)/warmline run

build: .venv/.installed server/static/.built translations/.compiled ## Install what running needs and build scripts, styles and catalogues

extension: node_modules/.installed ## Build the Gmail extension: build/extension, to load unpacked, and its zip
	@node_modules/.bin/tsc -p extension
	@node extension/build.js
	@ls build/*.zip

# One hash seed, so that what is generated for the API is the same in each run.
test: .venv/.installed-dev build lint ## Run every check and test, on SQLite and PostgreSQL and in a real browser
	@./tests/find-chromium
	PYTHONHASHSEED=0 $(BIN)/pytest -n 2 --dist loadgroup $(AGAIN) -m "not browser and not chaos"
	$(BIN)/pytest -n 2 --dist loadfile $(AGAIN) -m browser
	$(BIN)/pytest $(AGAIN) --only-rerun TimeoutError -m chaos

lint: .venv/.installed-dev node_modules/.installed ## Check style, types and templates
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates
	node_modules/.bin/tsc -p extension
	node_modules/.bin/tsc -p .

# What each prints is kept in docs/bench, with a plot of it; nothing else is written. A missed goal stops nothing.
bench: .venv/.installed-bench build ## Measure speed side by side, on 127.0.0.1 only (minutes)
	@for name in $(BENCHES); do \
		echo "== bench/$$name.py"; \
		$(BIN)/python bench/$$name.py | tee docs/bench/$$name.txt || echo "bench/$$name.py missed a goal or failed"; \
	done
	@$(BIN)/python bench/plot.py docs/bench/*.txt

chaos: .venv/.installed-dev build ## Kill processes under load and compare what was stored (minutes)
	HYPOTHESIS_PROFILE=searching $(BIN)/pytest -n 2 -m hypothesis
	$(BIN)/python chaos/ingest.py --hits 20000 --kills 50
	$(BIN)/python chaos/sends.py --sends 2000 --kills 20
	$(BIN)/python chaos/campaigns.py steps --kills 50
	$(BIN)/python chaos/campaigns.py replies --kills 50
	$(BIN)/python chaos/campaigns.py owners --reps 50 --people 20 --kills 10
	$(BIN)/python chaos/documents.py
	$(BIN)/python chaos/ingest.py --hits 20000 --kills 50 --crashes 10 --database postgresql
	$(BIN)/python chaos/database_away.py --away 60
	$(BIN)/python chaos/database_away.py --away 60 --database postgresql
	$(BIN)/python chaos/disk_full.py --full 30
	$(BIN)/python chaos/wakeups.py --sends 500 --kills 20 --flushes 10 --hangs 3
	$(BIN)/python chaos/workers.py --rounds 5
	$(BIN)/python chaos/streams.py --events 5000 --cuts 200 --kills 10
	$(BIN)/python chaos/poison.py --records 2000
	$(BIN)/python chaos/floods.py --hits 100000 --within 60
	$(BIN)/python chaos/pickles.py --pushes 200
	$(BIN)/python chaos/machines.py --hits 6000 --kills 30

i18n: .venv/.installed-dev ## Collect the texts to translate into the French catalogue
	$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext -k _l --no-location --sort-output -o translations/messages.pot .
	$(BIN)/pybabel -q update -i translations/messages.pot -d translations -l fr --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

clean: ## Remove what was installed and built; the data in WARMLINE_HOME stays
	rm -rf .venv node_modules build server/static translations/.compiled

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Warmline needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@echo "Making the virtual environment (first start only) …"
	@$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Python packages …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing packages for tests …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

.venv/.installed-bench: .venv/.installed-dev
	@echo "Installing packages to measure beside …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Warmline needs Node 20 or newer"; exit 1; }
	@echo "Installing Node packages …"
	@npm ci --silent --no-fund --no-audit
	@touch $@

server/static/.built: node_modules/.installed $(shell find web templates -type f 2>/dev/null)
	@npm run --silent build
	@touch $@

translations/.compiled: .venv/.installed $(wildcard translations/*/LC_MESSAGES/*.po)
	@$(BIN)/pybabel -q compile -d translations 2>/dev/null
	@touch $@
