# On a fresh machine: `make demo` and `make test`. Both first set up what they need.
VENV ?= .venv
PYTHON ?= python3
EXTRAS ?= all
WORKSPACE = $(PYTHON) -E workspace --venv "$(VENV)" --extras "$(EXTRAS)"
RUN = $(WORKSPACE) run --
# Tests that need neither a network nor ROS; tests/test_workspace.py checks this.
FAST_TESTS = tests/test_layout.py tests/test_workspace.py tests/model/data tests/model/messages tests/model/sources \
	tests/model/labels/test_cleaning.py tests/model/labels/test_names.py tests/model/labels/test_sound_sources.py \
	tests/model/pictures/test_overlay.py tests/model/pictures/test_panels.py \
	tests/model/scoring/report/test_tables.py tests/model/scoring/test_bag_scores.py tests/model/scoring/test_bootstrap.py \
	tests/model/scoring/test_compare.py tests/model/scoring/test_evaluation.py tests/model/scoring/test_metrics.py \
	tests/model/streaming/test_audio_buffer.py tests/model/streaming/test_frame_buffer.py tests/model/streaming/test_windows.py \
	tests/model/test_config.py tests/model/test_config_refusals.py tests/model/test_presence.py

.PHONY: help setup build demo simulate soak test test-fast fuzz mutants lint licences docs clean
.DEFAULT_GOAL := help

help:
	@echo "Every target but clean first sets up what it needs."
	@echo "  make demo       run the node on a recorded scene and score it; results in out/demo/"
	@echo "  make simulate   run a simulated robot that turns towards sounds; results in out/simulate/"
	@echo "  make soak       run the node for 15 minutes with faults of every kind; results in out/soak/; SOAK_ARGS=\"--minutes 60\""
	@echo "  make test       run all tests; select with PYTEST_ARGS=\"-k name\""
	@echo "  make test-fast  run the tests that need neither a model nor ROS, in less than a minute"
	@echo "  make fuzz       run the property tests with 20,000 cases each, and 10,000 malformed messages over DDS"
	@echo "  make mutants    change the core's code and see whether tests fail; results in out/mutants/"
	@echo "  make licences   print the licences of all installed packages"
	@echo "  make lint       run ruff, codespell and mypy"
	@echo "  make docs       write the API pages to out/docs/ and all documents to out/docs/site/"
	@echo "  make build      build the ROS workspace into install/"
	@echo "  make setup      create the Python environment $(VENV); variables: VENV=DIR another folder,"
	@echo "                  PYTHON=python3.N another interpreter, EXTRAS=zero-shot only these extras of pyproject.toml (robot)"
	@echo "  make clean      remove build/ install/ log/; keep the environment and out/"

setup:
	@$(WORKSPACE) setup

build: setup
	@$(WORKSPACE) build

demo: build
	@$(RUN) python -m c3n_ros.rig.demo

simulate: build
	@$(RUN) python -m c3n_ros.rig.simulate

soak: build
	@$(RUN) python -m c3n_ros.rig.soak $(SOAK_ARGS)

test: build
	@$(RUN) python -m pytest -n auto --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

test-fast: setup
	@PYTHONPATH= "$(VENV)/bin/python" -m pytest -m "not realdata" $(FAST_TESTS) $(PYTEST_ARGS)

lint: setup
	@"$(VENV)/bin/ruff" check .
	@"$(VENV)/bin/ruff" format --check .
	@"$(VENV)/bin/codespell"
	@"$(VENV)/bin/mypy"

mutants: build
	@"$(VENV)/bin/python" -m pip install -q --disable-pip-version-check "mutmut>=3.8,<4"
	@$(RUN) python workspace/mutation_score.py $(MUTANTS_ARGS)

licences: setup
	@"$(VENV)/bin/python" -E workspace/licence_table.py

docs: setup
	@PYTHONPATH=. "$(VENV)/bin/python" docs/build_api.py out/docs
	@"$(VENV)/bin/python" docs/build_site.py out/docs/site

fuzz: build
	@$(RUN) python -m pytest -m hypothesis --hypothesis-profile=fuzz $(PYTEST_ARGS)

clean:
	@$(WORKSPACE) clean
