# Everything a user types. `make book` and `make test` set up what they need, once.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV   ?= .venv
PYTHON_HERE := "$(VENV)/bin/python"
SITE   := _build/html
PORT   ?= 8000
export VENV

.PHONY: help setup book serve test test-fast bench proofs lint clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## make .venv with every dependency at its pinned version
	@tools/setup.sh

book: setup ## build the static site to _build/html
	@$(PYTHON_HERE) tools/make_book.py
	@echo "The book: file://$(CURDIR)/$(SITE)/index.html"
	@echo "(its interactive pages need a server: make serve)"

serve: book ## serve the site at http://localhost:8000 (PORT=...)
	@echo "http://localhost:$(PORT)/  (Ctrl-C stops)"
	@$(PYTHON_HERE) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

test: book ## run all tests: units, every chapter, the site in a browser
	$(PYTHON_HERE) -m pytest -n 2 --dist worksteal

test-fast: setup ## run the unit tests alone
	$(PYTHON_HERE) -m pytest -m "not notebook and not site"

bench: setup ## time ours beside the peers, a few minutes; record under results/
	OMP_NUM_THREADS=1 $(PYTHON_HERE) -m benchmarks

proofs: ## compile the Coq proofs (installs Coq from Debian's packages where it may)
	@python3 formal/coq.py build

lint: setup ## ruff on code and chapters, mypy on types
	"$(VENV)/bin/ruff" check . && "$(VENV)/bin/ruff" format --check .
	$(PYTHON_HERE) -m mypy
	$(PYTHON_HERE) tools/lint_chapters.py

clean: ## remove what was built (keeps .venv)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
