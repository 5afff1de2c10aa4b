# Everything a user types. `make book` and `make test` set up what they need, once.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SITE   := _build/html
PORT   ?= 8000
export VENV

# What the site is made of; when none of it changed, there is nothing to build.
SOURCES := _config.yml _toc.yml constraints.txt CITATION.cff \
  $(shell find book notebooks src results formal -type f \
    -not -path '*/__pycache__/*' -not -path 'book/_static/mathjax/*' \
    -not -path 'book/_static/hover/*' -not -path 'book/_static/vega/*' -not -path 'book/_static/live/pyodide/*' \
    \( -name '*.md' -o -name '*.py' -o -name '*.bib' -o -name '*.css' -o -name '*.js' \
       -o -name '*.html' -o -name '*.svg' -o -name '*.png' -o -name '*.parquet' -o -name '*.json' \
       -o -name '*.v' -o -name '*.txt' \) 2>/dev/null)

.PHONY: help setup book serve test test-fast bench proofs lint clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt package.json package-lock.json tools/setup.sh
	@tools/setup.sh

setup: $(READY) ## make .venv with every dependency at its pinned version

$(SITE)/.built: $(READY) $(SOURCES)
	$(BIN)/python tools/execute_chapters.py
	@[ -e $@ ] || rm -rf $(SITE) _build/.doctrees  # cut short, pages may name files that never came
	@rm -f $@
	$(BIN)/jupyter-book build . -W -n --keep-going -q
	@touch $@

book: $(SITE)/.built ## build the static site to _build/html
	@echo "The book: file://$(CURDIR)/$(SITE)/index.html"
	@echo "(its interactive pages need a server: make serve)"

serve: book ## serve the site at http://localhost:8000 (PORT=...)
	@echo "http://localhost:$(PORT)/  (Ctrl-C stops)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

test: book ## run all tests: units, every chapter, the site in a browser
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(READY) ## run the unit tests alone
	$(BIN)/python -m pytest -m "not notebook and not site"

bench: $(READY) ## time ours beside the peers, a few minutes; record under results/
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

proofs: ## compile the Coq proofs (installs Coq from Debian's packages where it may)
	@python3 formal/coq.py build

lint: $(READY) ## ruff on code and chapters
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python tools/lint_chapters.py

clean: ## remove what was built (keeps .venv)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
