# make run    the four assays on the emulated street, over a broker, in this terminal
# make test   every test, in both Pythons, with the checks of `make lint`
# make bench  figures of the firmware: heap, cycles, time of a tick
# make lint   ruff, mypy, import contracts
# Each sets up first what it needs, in .venv: Python packages (locked, hashed) and a 32-bit MicroPython.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MPY := $(VENV)/micropython/micropython
UMQTT := $(VENV)/umqtt/umqtt/simple.py

.PHONY: run test bench lint setup lock clean

# Over a real broker, mosquitto or amqtt, where there is umqtt.simple to reach it with.
run: setup
	@$(BIN)/slvg sim assay $$(test ! -f $(UMQTT) || echo --broker auto)

# Three on two cores: a sixth of their time tests wait for brokers, boards and time-outs.
test: setup
	@$(BIN)/python -m pytest -n 3

bench: setup
	@$(BIN)/slvg bench

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The two parts do not need each other: side by side they cost the time of one.
setup:
	@$(MAKE) -s --no-print-directory -j2 $(VENV)/.packages $(MPY) $(UMQTT)

$(VENV)/.packages: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "E402 setup: $(PYTHON) is too old or missing. Install Python 3.11 or later, or set PYTHON=."; exit 2; }
	@echo "setup: Python packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "E403 setup: no venv module. Install it (Debian: apt-get install python3-venv)."; exit 2; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes \
	  -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps \
	  --no-build-isolation -e .
	@touch $@

# Without it the simulator still runs; `--vm` and the VM tests need it.
$(MPY): tools/setup/micropython.sh
	@echo "setup: 32-bit MicroPython into $(VENV)/micropython"
	@tools/setup/micropython.sh $(VENV)/micropython >/dev/null && touch $@ || \
	  echo "setup: going on without it; --vm and the VM tests are not available."

# MQTT of the boards. Without it a build has no network, and its tests are skipped.
$(UMQTT): tools/setup/umqtt.py | $(VENV)/.packages
	@echo "setup: umqtt.simple into $(VENV)/umqtt"
	@$(BIN)/python tools/setup/umqtt.py $(VENV)/umqtt || echo "setup: going on without it."

# After a change of the dependencies in pyproject.toml.
lock: setup
	@$(BIN)/pip-compile -q --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev \
	  -o requirements.lock pyproject.toml

clean:
	@rm -rf $(VENV) build *.egg-info
