# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need first.
VENV ?= .venv
PYTHON ?= python3
WORKSPACE = $(PYTHON) -E workspace.py --venv "$(VENV)"

.PHONY: help setup build demo simulate test fuzz clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, build, and run the node on a recorded scene; the result lies in out/demo/"
	@echo "make simulate  set up, build, and let a simulated robot turn towards sounds; the result lies in out/simulate/"
	@echo "make test    set up, build, and run the tests; PYTEST_ARGS=\"-k name\" chooses"
	@echo "make fuzz    run the property tests with 20,000 cases each, and 10,000 malformed messages over DDS"
	@echo "make build   set up, and build the ROS workspace into install/"
	@echo "make setup   make the Python environment $(VENV) (VENV=DIR: another folder, PYTHON=...: another interpreter)"
	@echo "make clean   remove build/ install/ log/, keep the environment and out/"

setup:
	@$(WORKSPACE) setup

build: setup
	@$(WORKSPACE) build

demo: build
	@$(WORKSPACE) run -- python -m c3n_ros.rig.demo

simulate: build
	@$(WORKSPACE) run -- python -m c3n_ros.rig.simulate

test: build
	@$(WORKSPACE) run -- python -m pytest $(PYTEST_ARGS)

fuzz: build
	@$(WORKSPACE) run -- python -m pytest -m hypothesis --hypothesis-profile=fuzz $(PYTEST_ARGS)

clean:
	@$(WORKSPACE) clean
