# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need first.
VENV ?= .venv
PYTHON ?= python3
EXTRAS ?= all
WORKSPACE = $(PYTHON) -E workspace.py --venv "$(VENV)" --extras "$(EXTRAS)"
RUN = $(WORKSPACE) run --
# Folders and files whose tests need neither a network nor ROS; a test in tests/test_workspace.py holds that.
FAST_TESTS = tests/test_layout.py tests/test_workspace.py tests/model/data tests/model/messages tests/model/sources \
	tests/model/labels/test_cleaning.py tests/model/labels/test_names.py tests/model/labels/test_sound_sources.py \
	tests/model/pictures/test_overlay.py tests/model/pictures/test_panels.py \
	tests/model/scoring/report/test_tables.py tests/model/scoring/test_bag_scores.py tests/model/scoring/test_bootstrap.py \
	tests/model/scoring/test_compare.py tests/model/scoring/test_evaluation.py tests/model/scoring/test_metrics.py \
	tests/model/streaming/test_audio_buffer.py tests/model/streaming/test_frame_buffer.py tests/model/streaming/test_windows.py \
	tests/model/test_config.py tests/model/test_config_refusals.py tests/model/test_presence.py

.PHONY: help setup build demo simulate test test-fast fuzz lint docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    set up, build, and run the node on a recorded scene; the result lies in out/demo/"
	@echo "make simulate  set up, build, and let a simulated robot turn towards sounds; the result lies in out/simulate/"
	@echo "make test    set up, build, and run the tests; PYTEST_ARGS=\"-k name\" chooses"
	@echo "make fuzz    run the property tests with 20,000 cases each, and 10,000 malformed messages over DDS"
	@echo "make test-fast  set up, and run the tests that need neither a model nor ROS, in less than a minute"
	@echo "make lint    set up, and run ruff, codespell and mypy"
	@echo "make docs    set up, and write the API pages to out/docs/"
	@echo "make build   set up, and build the ROS workspace into install/"
	@echo "make setup   make the Python environment $(VENV) (VENV=DIR: another folder, PYTHON=...: another interpreter,"
	@echo "             EXTRAS=zero-shot: only these extras of pyproject.toml instead of all, as a robot needs them)"
	@echo "make clean   remove build/ install/ log/, keep the environment and out/"

setup:
	@$(WORKSPACE) setup

build: setup
	@$(WORKSPACE) build

demo: build
	@$(RUN) python -m c3n_ros.rig.demo

simulate: build
	@$(RUN) python -m c3n_ros.rig.simulate

test: build
	@$(RUN) python -m pytest $(PYTEST_ARGS)

test-fast: setup
	@PYTHONPATH= "$(VENV)/bin/python" -m pytest -m "not realdata" $(FAST_TESTS) $(PYTEST_ARGS)

lint: setup
	@"$(VENV)/bin/ruff" check .
	@"$(VENV)/bin/ruff" format --check .
	@"$(VENV)/bin/codespell"
	@"$(VENV)/bin/mypy"

docs: setup
	@PYTHONPATH=. "$(VENV)/bin/python" docs/build_api.py out/docs

fuzz: build
	@$(RUN) python -m pytest -m hypothesis --hypothesis-profile=fuzz $(PYTEST_ARGS)

clean:
	@$(WORKSPACE) clean
