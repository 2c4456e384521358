# Two commands for a fresh machine with Python 3.11 and make: `make demo` and `make test`. Each sets itself up.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# For pip, for example "-c requirements/ci.txt".
CONSTRAINTS ?=

.PHONY: demo test test-quick lint clean

demo: $(VENV)/installed
	mkdir -p demo_output
	$(BIN)/inpaint-tf inpaint --image=inpaint_tf/samples/rocket.jpg --mask=inpaint_tf/samples/rocket_mask.png \
	    --output=demo_output/rocket.png --side_by_side=demo_output/rocket_side_by_side.png \
	    --output_flow=demo_output/rocket_flow.png --overwrite
	@echo "The photo without its rocket: demo_output/rocket.png. Before and after: demo_output/rocket_side_by_side.png"

test: $(VENV)/installed_dev
	$(BIN)/python -m pytest tests -n auto

test-quick: $(VENV)/installed_dev
	$(BIN)/python -m pytest tests -m "not slow" -n auto

lint: $(VENV)/installed_dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PATH=$(BIN):$$PATH $(BIN)/lint-imports
	$(BIN)/basedpyright

$(VENV)/installed: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Downloading and installing TensorFlow and the rest, several hundred megabytes: a few minutes without a word."
	$(BIN)/python -m pip install --quiet --editable . $(CONSTRAINTS)
	touch $@

$(VENV)/installed_dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]" $(CONSTRAINTS)
	touch $@

clean:
	rm -rf $(VENV) demo_output
