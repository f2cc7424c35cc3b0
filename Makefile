# Two commands: `make run` shows it, `make test` proves it. The rest is for those who change it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 3
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check unit e2e bench fuzz proof tools clean constraints dashboards pictures sbom deb

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Macrogate needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "On Debian the venv module is a package of its own: apt install python3-venv" >&2; exit 2; }
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[jail,fast,test]'
	@touch $@

run: $(STAMP) ## a gateway of its own, real messages through it, and what became of them (ARGS=--once ends by itself)
	$(BIN)/macrogate demo $(ARGS)

# the tests start hundreds of processes, which would compile every module again where the environment forbids to keep it
test unit e2e: export PYTHONDONTWRITEBYTECODE =

test: $(STAMP) tools ## everything: style, types, unit, faults, end to end with a real Postfix (JOBS=0: one after another)
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest tests -n $(JOBS) $(ARGS)

check: $(STAMP) ## style and types
	$(BIN)/ruff check gateway tests deploy
	$(BIN)/ruff format --check gateway tests deploy
	$(BIN)/mypy

unit: $(STAMP) ## the quick tests only
	$(BIN)/python -m pytest tests --ignore=tests/e2e --ignore=tests/faults -n $(JOBS) $(ARGS)

e2e: $(STAMP) tools ## end to end only
	$(BIN)/python -m pytest tests/e2e -n $(JOBS) $(ARGS)

tools: ## what the tests need from Debian: installed as root, named otherwise
	@sh tests/tools.sh

bench: $(STAMP) tools ## side by side with its peers, in one run
	@MACROGATE_BENCH=1 sh tests/tools.sh
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[jail,fast,test,bench]'
	$(BIN)/python -m tests.bench $(ARGS)

fuzz: $(STAMP) ## every parser under atheris, a minute each (ARGS="--seconds 600 zip rtf" for longer or fewer)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[jail,fast,test,fuzz]'
	$(BIN)/python -m tests.fuzz $(ARGS)

proof: $(STAMP) tools ## that no mail is lost, about an hour (ARGS="--hours 24 --kills 50000" for days, ARGS="kills" for a part)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[jail,fast,test,bench]'
	$(BIN)/python -m tests.proof $(ARGS)

pictures: $(STAMP) ## draw the pictures of the README from a real run
	$(BIN)/python -m tests.pictures

dashboards: $(STAMP) ## write the files of deploy/grafana from their tables of panels
	$(BIN)/python deploy/grafana/make.py

sbom: $(STAMP) ## write what Macrogate is made of: deploy/sbom (CycloneDX) and docs/licences.md
	mkdir -p build
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --dry-run \
		--ignore-installed --report build/pip.json '.[jail,fast]'
	$(BIN)/python deploy/sbom/make.py --report build/pip.json

deb: $(STAMP) ## a Debian package in dist/, for the Debian and Python this runs on
	sh deploy/debian/build.sh dist

constraints: ## pin what is installed in .venv now
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check | grep -v ' @ ' > constraints.txt

clean: ## remove what was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
