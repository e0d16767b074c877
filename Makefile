# The book's commands. `make` alone lists them. Everything runs in .venv, which the first command makes.
# Windows, or no make: the same steps by hand are in README.md.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.inkling-ready

.DEFAULT_GOAL := help
.PHONY: help book test lab models listings bench clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(READY): requirements.txt pyproject.toml tools/environment.py
	$(PYTHON) tools/environment.py $(VENV)
	@touch $@

models: $(READY) ## fetch the two real models once (180 MB); without them their chapters say so
	@$(BIN)/python -m inkling fetch smollm2 minilm || echo "Going on without the real models."

book: models ## run every chapter, build the website, say where it is
	$(BIN)/python tools/pipeline_pictures.py
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo "The book is ready: open $(CURDIR)/_build/html/index.html"

test: models ## run every test: library, notebooks (network off), site, browser
	$(BIN)/python -m pytest

lab: $(READY) ## open the book and its labs in JupyterLab
	$(BIN)/jupyter lab

listings: $(READY) ## copy the library source into the listing cells, strip outputs
	$(BIN)/python tools/notebooks.py

bench: $(READY) ## compare speed and quality with the reference libraries
	$(BIN)/python tools/bench.py

clean: ## remove the built site and caches, keep .venv
	rm -rf _build .pytest_cache .hypothesis .ruff_cache
	find book inkling labs tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
