# Affinity Annotator. `make` alone lists the targets.
VENV := .venv
PY := $(VENV)/bin/python
AWKWARD ?= /tmp/a b\c ü
CI := bash .ci/

.DEFAULT_GOAL := help
.PHONY: help run test awkward lint bench torture pictures gallery clean

# Tests draw into memory, the same everywhere; QT_QPA_PLATFORM=xcb shows them on the screen.
test awkward bench torture pictures gallery: export QT_QPA_PLATFORM ?= offscreen

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## start the desk on the sample project; without a display, the whole pipeline headless
	@$(CI)start

test: $(VENV)/.test ## run all tests
	@$(CI)system-packages offscreen
	$(PY) -m pytest --numprocesses auto --dist worksteal $(PYTEST_ARGS)

awkward: $(VENV)/.test ## test data and sessions in another language and time zone, in the folder AWKWARD
	@$(CI)system-packages offscreen
	LC_ALL=C TZ=Pacific/Apia $(PY) -m pytest tests/trainer/data tests/annotator/session --basetemp '$(AWKWARD)'

lint: $(VENV)/.test ## check format, style, types and who imports whom
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo --no-cache

bench: $(VENV)/.bench ## measure the speed promises; JSON and a table in bench-results/
	@$(CI)system-packages offscreen
	$(PY) -m tests.benchmarks --out bench-results

torture: $(VENV)/.test ## wear the program out: hours of work in minutes; figures as JSON in torture-results/
	@$(CI)system-packages offscreen
	$(PY) -m tests.torture --out torture-results/torture.json

pictures: $(VENV)/.run ## draw README's picture of the first start; WEIGHTS=FILE the others
	@$(CI)system-packages offscreen
	$(PY) docs/pictures.py $(if $(WEIGHTS),--weights $(WEIGHTS))

gallery: $(VENV)/.run ## draw every part of the desk in all its looks into docs/gallery/; ONLY="keys tour" some of them
	@$(CI)system-packages offscreen
	$(PY) docs/gallery.py $(if $(ONLY),--only $(ONLY))

clean: ## remove the environment, caches and results
	rm -rf $(VENV) out bench-results torture-results docs/gallery .mypy_cache .ruff_cache .pytest_cache *.egg-info

# One stamp a set of extras, so that a second call is instant.
$(VENV)/.run: pyproject.toml .ci/install
	@$(CI)install .run
$(VENV)/.test: pyproject.toml .ci/install
	@$(CI)install .test dev
$(VENV)/.bench: pyproject.toml .ci/install
	@$(CI)install .bench dev,bench
