# Two commands are all there is to know: `make lab` to learn, `make test` to check.
# PYTHON=... chooses the interpreter (3.10 to 3.14). What is installed is pinned by hash in
# requirements.lock; where that does not fit (another index, a platform without these releases),
# `make lab LOCK=` installs what the ranges in pyproject.toml allow instead. uv installs, which is
# quicker, or else pip; INSTALLER=pip goes without uv. Hashes count either way.

PYTHON ?= python3
VENV ?= .venv
LOCK ?= requirements.lock
INSTALLER ?= uv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python tools/install.py --by $(INSTALLER)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What was compiled once is not compiled again by each of the processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lab test soak bench docs site notebooks fuzz lint mutants lock dist clean

help:
	@echo "make lab    install into $(VENV), lay out your own copy of the notebooks in lab/, and open it"
	@echo "make test   install the test tools, then run the tests and every notebook, in minutes"
	@echo "make soak   the tests that take long: kills, load, memory, long properties"
	@echo "make lint   style and types"
	@echo "make bench  measure speed side by side in one run"
	@echo "make fuzz   mutate good evidence and judge it; ARGS=\"--inputs 10000000\" says how often"
	@echo "make docs   renew every generated table of the documentation"
	@echo "make site   build the documentation as a site, offline, in build/site, and check it"
	@echo "make notebooks  renew the exercises in the notebooks from the chapters' data"
	@echo "make mutants change the code that decides about trust, once each, and see whether tests notice"
	@echo "make lock   pin every dependency by hash again, in requirements.lock"
	@echo "make dist   build wheel and sdist, with lock, SBOM (CycloneDX) and SHA-256, in dist/"
	@echo "make clean  remove $(VENV) and caches; your notebooks stay"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	  sys.exit(None if (3, 10) <= v <= (3, 14) else "Python: got %d.%d, wanted 3.10 to 3.14. Say which one: make PYTHON=python3.12 ..." % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python: the venv module is missing. Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# With hashes nothing but what was locked is installed, also to build casnb itself. There is no
# fallback that goes without a word: whoever could make the lock fail would choose it.
$(VENV)/.lab: $(VENV)/.made pyproject.toml $(LOCK) installer.lock tools/install.py
	@echo "Installing JupyterLab and casnb into $(VENV): under a minute, or a few where pip does it."
ifeq ($(INSTALLER),uv)
	@$(BIN)/python tools/install.py --get installer.lock
endif
ifeq ($(LOCK),)
	@$(INSTALL) --upgrade pip
	@$(INSTALL) --editable .
else
	@$(INSTALL) --require-hashes --requirement $(LOCK) || { \
	  echo "$(LOCK) does not fit this machine or its package index."; \
	  echo "Without pinned versions and hashes: make LOCK= $(MAKECMDGOALS)"; exit 1; }
	@$(INSTALL) --no-deps --no-build-isolation --editable .
endif
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	@$(INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/.release: $(VENV)/.lab
	@$(INSTALL) --editable '.[release]'
	@touch $@

lab: $(VENV)/.lab
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/casnb lab lab $(ARGS)

# Without ARGS: tests side by side on all cores, and notebooks and browsers, which bring processes of
# their own, beside them and before them; what these say is shown when both are done, for two reports
# at once nobody reads. `make soak` has what takes long and seldom breaks: kills, load, memory, long
# properties. Of these kinds only the files that have some are collected: all of them take a while.
PYTEST = PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest
marked = $$(grep -rl --include='*.py' 'mark\.$(1)' tests)
BESIDE = $(PYTEST) -n 2 --dist loadfile -m "(notebooks or browser) and not soak" tests/browser $(call marked,notebooks)

test: $(VENV)/.test
ifeq ($(strip $(ARGS)),)
	@echo "Notebooks and browsers run beside these tests; what they say is shown at the end."
	@$(BESIDE) > $(VENV)/beside.log 2>&1 & beside=$$!; trap "kill $$beside" INT TERM; \
	nice -n 5 env $(PYTEST) -n auto --dist worksteal -m "not soak and not notebooks and not browser"; \
	alone=$$?; wait $$beside; with=$$?; cat $(VENV)/beside.log; exit $$((alone | with))
else
	$(PYTEST) $(ARGS)
endif

soak: $(VENV)/.test
	$(PYTEST) -n auto --dist loadfile -m soak $(or $(ARGS),$(call marked,soak))

lint: $(VENV)/.test
	$(BIN)/ruff check . docs/_build
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py $(ARGS)

$(VENV)/.docs: $(VENV)/.test
	@$(INSTALL) --editable '.[docs]'
	@touch $@

site: $(VENV)/.docs
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python docs/_build/makesite.py $(ARGS)

docs: $(VENV)/.test
	$(BIN)/python docs/_build/renew.py $(ARGS)

mutants: $(VENV)/.test
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/mutants/run.py $(ARGS)

notebooks: $(VENV)/.test
	$(BIN)/python docs/_build/notebooks.py $(ARGS)

fuzz: $(VENV)/.test
	$(BIN)/python -W ignore tests/fuzz/run.py $(ARGS)

# One file for 3.10 to 3.14 on every platform; it names no package index. Another one pins uv.
lock: $(VENV)/.release
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url \
	  --python-version 3.10 --custom-compile-command "make lock" --extra build \
	  pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url \
	  --python-version 3.10 --custom-compile-command "make lock" --group installer \
	  --output-file installer.lock

# Wheel, sdist, lock, SBOM and their SHA-256, out of what is committed; the same bytes each time.
dist: $(VENV)/.release
	$(BIN)/python tools/dist.py $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .fuzz build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
