# From a bare machine: `make demo` shows the main job, `make test` checks everything.
VENV  := .venv
STAMP := $(VENV)/.installed

.PHONY: help demo test types suite constraints
help:
	@echo "make demo         install what is needed into .venv and inspect the bundled scans (a window, or headless)"
	@echo "make test         install what is needed into .venv and run ruff, mypy and all tests"
	@echo "make constraints  pin the versions in .venv as the tested ones"

$(STAMP): pyproject.toml .ci/constraints.txt .ci/install
	.ci/install $(VENV)
	@touch $@

demo: $(STAMP)
	@.ci/system-packages $(VENV)
	$(VENV)/bin/sedir demo $(if $(DISPLAY)$(WAYLAND_DISPLAY),,--out build/demo)

test: $(STAMP)
	@.ci/system-packages $(VENV) for-tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	@$(MAKE) --no-print-directory -j 2 types suite

# Beside each other: mypy takes a minute and more, and one core alone.
types:
	$(VENV)/bin/mypy

suite:
	$(VENV)/bin/pytest -n logical --dist loadfile --no-loadscope-reorder

constraints: $(STAMP)
	.ci/pin $(VENV) > .ci/constraints.txt
