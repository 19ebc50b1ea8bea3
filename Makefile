# What each command does is in tools/setup.sh and examples/demo.py; `make` alone lists the commands.
.DEFAULT_GOAL := help
.PHONY: help demo test lint docs package sanitize arm64 stress format setup clean

VENV := .venv/bin/python
STRESS_SECONDS ?= 60

help:
	@echo "make demo     set up the core and plotting, and run the main job on trained networks (a minute or two at first)"
	@echo "make test     set up everything and run the tests"
	@echo "make lint     ruff, mypy and import-linter"
	@echo "make docs     build the documentation site into docs/_build/html"
	@echo "make package  build wheel and sdist, and try each in a clean environment"
	@echo "make sanitize test the compiled core under sanitizers (some minutes)"
	@echo "make arm64    test the core's arithmetic as arm64 programs, under an emulator"
	@echo "make stress   random and hostile networks by every engine, for STRESS_SECONDS (60)"
	@echo "make format   let ruff format the code"
	@echo "make setup    set up everything for development, nothing else"
	@echo "make clean    remove .venv, caches and demo-output"

demo:
	@sh tools/setup.sh core
	@$(VENV) examples/demo.py

setup:
	@sh tools/setup.sh dev

test: setup
	@PUISEUX_REQUIRE=all $(VENV) -m pytest -n auto --maxprocesses=8 $(TESTS)

lint: setup
	@sh tools/lint.sh

docs: setup
	@$(VENV) -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

package: setup
	@sh tools/package.sh

sanitize: setup
	@sh tools/sanitize.sh

arm64: setup
	@sh tools/arm64.sh

stress: setup
	@$(VENV) tools/stress.py --seconds $(STRESS_SECONDS)

format: setup
	@$(VENV) -m ruff check --fix . && $(VENV) -m ruff format .

clean:
	rm -rf .venv demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		docs/_build docs/notebooks docs/api docs/api.md docs/commands.md
	find polyhedra tropical nn_bridge -name '_core*.so' -exec rm -f {} +
	find tools/core -mindepth 1 ! -name .gitignore ! -name CMakeLists.txt -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
