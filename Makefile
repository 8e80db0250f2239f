# Two commands do all the set-up: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 3

.PHONY: install console wheel demo test lint bench coverage settings clean

install: $(STAMP)
	@$(BIN)/python tools/console.py build

console: install

# What is published: with the console in it.
wheel: install
	@rm -rf build/lib # what an older build left there would go into the wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@$(BIN)/python tools/wheel.py build/wheel

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Clary needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 install"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "this Python cannot make environments; on Debian: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[algorithms,test,lint,catalog,spark]'
	@touch $(STAMP)

demo: install
	@$(BIN)/clary demo car-evaluation --home build/demo --port 0

test: install lint
	$(BIN)/python tools/suite.py -n $(WORKERS) --dist worksteal
	$(BIN)/python -m bench --smoke

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/console.py check

bench: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench

settings: install
	$(BIN)/python tools/settings.py > docs/settings.md

coverage: install
	$(BIN)/python tools/coverage.py > docs/coverage.md

clean:
	rm -rf .venv build console/node_modules src/clary/services/signin/static .mypy_cache .ruff_cache .pytest_cache .hypothesis
