# Everything a newcomer needs: `make demo` and `make test` set up what is missing by themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Threads of one job fight with those of another on few cores.
JOBS ?= 2
# The versions to install: those that give everybody the same numbers, or constraints-minimum.txt.
CONSTRAINTS ?= constraints.txt

.PHONY: help install demo test test-slow coverage check format docs bench wheel-demo clean

help:
	@echo "make demo    set up, and run the main job on the embedded corpus"
	@echo "make test    set up, and run the tests (make test-slow: the long ones)"
	@echo "make check   format, lint, types, layers; reports the coverage that make coverage measured"
	@echo "make docs    build the documentation into site/"
	@echo "make bench   measure each stage against its peer (STAGES=\"train predict\": only these)"

# torch first and pinned, so that two people get the same numbers; see constraints.txt.
$(VENV)/.base: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "sercli needs Python 3.11 or newer; set it with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) torch
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[docs]'
	@touch $@

install: $(VENV)/.base

demo: $(VENV)/.base
	@PATH="$(abspath $(BIN)):$$PATH" bash examples/demo.sh

test: $(VENV)/.dev
	$(BIN)/pytest -n $(JOBS) -m "not slow"

# Which lines the fast tests run; `make check` reports it.
coverage: $(VENV)/.dev
	$(BIN)/pytest -n $(JOBS) -m "not slow" --cov=sercli --cov-report=

test-slow: $(VENV)/.dev
	$(BIN)/pytest -n $(JOBS) --dist loadfile -m slow

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -f .coverage ]; then echo "lines that the fast tests run: $$($(BIN)/coverage report --format=total) %"; \
	else echo "no coverage yet: make coverage"; fi

format: $(VENV)/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.base
	$(BIN)/python -m benchmarks $(STAGES)

# The built wheel has to work where there is no repository. An epoch of each fold shows that.
wheel-demo: $(VENV)/.dev
	rm -rf dist build/wheel-demo
	$(BIN)/python -m build --wheel > /dev/null
	$(PYTHON) -m venv build/wheel-demo/venv
	build/wheel-demo/venv/bin/pip install --quiet --constraint $(CONSTRAINTS) torch
	build/wheel-demo/venv/bin/pip install --quiet --constraint $(CONSTRAINTS) dist/*.whl
	build/wheel-demo/venv/bin/pip install --quiet ./starter
	build/wheel-demo/venv/bin/sercli doctor | grep sercli_starter/starter
	cp examples/demo.sh build/wheel-demo/
	cd build/wheel-demo && PATH="$$PWD/venv/bin:$$PATH" bash demo.sh 1

clean:
	rm -rf $(VENV) build dist site demo-workspace .coverage
