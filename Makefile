# Two commands for a fresh machine with Python 3.11 and make: `make demo` and `make test`. Each sets itself up.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test clean

demo: $(VENV)/installed
	mkdir -p demo_output
	$(BIN)/inpaint-tf inpaint --image=inpaint_tf/samples/rocket.jpg --mask=inpaint_tf/samples/rocket_mask.png \
	    --output=demo_output/rocket.png --side_by_side=demo_output/rocket_side_by_side.png --blend=poisson \
	    --output_flow=demo_output/rocket_flow.png --overwrite
	@echo "Before, after and attention flow: demo_output/rocket_side_by_side.png"

test: $(VENV)/installed_dev
	$(BIN)/python -m pytest tests

$(VENV)/installed: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed_dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) demo_output
