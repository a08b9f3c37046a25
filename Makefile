# `make demo` and `make test` need only Python 3.10 or later, pip and a package registry.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
BENCH = $(VENV)/bench
PACKAGES = python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test fuzz lint pytest schemas docs peers bench clean

demo: $(VENV)/.train  ## raw files to a trained adapter, on examples/
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: lint pytest  ## everything that has to hold before a change lands

pytest: $(VENV)/.dev
	$(BIN)/pytest -n 2

fuzz: $(VENV)/.dev  ## the tests that draw their examples, with others than `make test` draws
	$(BIN)/pytest -n 2 -m hypothesis --hypothesis-profile=fuzz

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

schemas: $(VENV)/.dev  ## the files of schemas/, from the types of the formats
	$(BIN)/python -m dsforge.schema_files

docs: $(VENV)/.dev  ## docs/rules.md, from the docstrings of the rules
	$(BIN)/python -m dsforge.rule_docs

peers: $(VENV)/.dev  ## the peers' own code judges what dsforge writes
	test -f .venv-peers/.ready || sh benchmarks/peers.sh
	DSFORGE_PEERS=$(CURDIR)/.venv-peers $(BIN)/pytest tests/peers

bench: $(VENV)/.dev $(BENCH)/.ready  ## ours and the peers in one run, as ratios
	for script in convert lint cost dedup_truth "kill 20 20" augment review; do \
	  set -- $$script; name=$$1; shift; $(BIN)/python benchmarks/$$name.py "$$@" || exit 1; done
	$(BENCH)/bin/python benchmarks/dedup.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing dsforge with its training extra into $(VENV) (about a minute) ..."
	@$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing dsforge with everything the tests need into $(VENV) ..."
	@$(PIP) -e '.[tables,train,augment,dev]'
	@touch $@ $(VENV)/.train

$(BENCH)/.ready: pyproject.toml | $(VENV)/.dev
	@echo "Installing the peers of benchmarks/dedup.py into $(BENCH), beside what $(VENV) has ..."
	@$(BIN)/python -m venv $(BENCH)
	@$(BIN)/$(PACKAGES) > "$$($(BENCH)/bin/$(PACKAGES))/beside.pth"
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) demo build dist
