# llm-operator. `make` shows what there is. Everything runs from here; CI calls nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help

UV_VERSION := 0.13.8
VLLM_VERSION := 0.29.0
VENV := .venv
PY := PYTHONSAFEPATH=1 PYTHONPATH=tests $(VENV)/bin/python
CLUSTER := $(PY) -m cluster
PYTEST := PYTHONSAFEPATH=1 $(VENV)/bin/python -m pytest -c tests/pytest.ini --rootdir=.
CONFIG := operator/pyproject.toml
SOURCES := operator/src serve_app/src tests images
STAMP := $(VENV)/.stamp

.PHONY: test-scale bench-control help venv lock fmt lint generate engine-args verify cluster cluster-down cluster-status images install demo \
	test test-unit test-serve test-contract test-apiserver test-chart test-e2e test-image test-catalogue test-chaos test-mutation golden clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  First time: make demo (from nothing to an answer), then make test."

$(STAMP): tests/requirements.txt operator/pyproject.toml serve_app/pyproject.toml
	@python=$$(tests/bootstrap.sh) && { test -x $(VENV)/bin/python || "$$python" -m venv $(VENV); }
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@echo "==> Python packages (pinned, checked by hash)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/uv pip install -q --require-hashes -r tests/requirements.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/uv pip install -q --no-deps --no-build-isolation -e operator -e serve_app
	@touch $@

venv: $(STAMP) ## Python environment in .venv, from the hashed locks

lock: ## Renew the hashed locks after a change of dependencies
	$(VENV)/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 operator/pyproject.toml -o operator/requirements.txt
	$(VENV)/bin/uv pip compile -q --generate-hashes --no-header --python-version 3.11 operator/pyproject.toml serve_app/pyproject.toml tests/requirements.in -o tests/requirements.txt

fmt: venv ## Format the code
	$(VENV)/bin/ruff format -q --config $(CONFIG) $(SOURCES)
	$(VENV)/bin/ruff check -q --fix --config $(CONFIG) $(SOURCES)

lint: venv ## ruff, mypy --strict, import contracts, yamllint (helm lint is part of test-chart)
	$(VENV)/bin/ruff format --check --config $(CONFIG) $(SOURCES)
	$(VENV)/bin/ruff check --config $(CONFIG) $(SOURCES)
	$(VENV)/bin/mypy --config-file $(CONFIG) operator/src serve_app/src
	$(VENV)/bin/mypy --config-file $(CONFIG) tests/cluster tests/golden tests/unit tests/contract tests/scale tests/bench tests/apiserver tests/chart tests/e2e tests/image tests/catalogue tests/chaos tests/serve tests/demo tests/generate tests/mutation
	cd operator && ../$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/yamllint -c tests/yamllint.yaml manifests charts/llm-operator/values.yaml charts/llm-operator/Chart.yaml

generate: venv ## Write every generated file: CRD, API reference, install.yaml
	@$(CLUSTER) tools
	$(PY) -m generate

ENGINE_ARGS := operator/src/llm_operator/plan/data/vllm-$(VLLM_VERSION).json

engine-args: venv ## Renew what is known of vLLM's engine arguments, from vLLM itself in the serve-cpu image
	$(CLUSTER) build serve-cpu
	docker run --rm --network none --entrypoint python3 llm-operator/serve-cpu:0.1.0 -m llm_serve_app.engine_args $(VLLM_VERSION) > $(ENGINE_ARGS).new
	mv $(ENGINE_ARGS).new $(ENGINE_ARGS)

verify: venv ## Fail if a generated file is not what generate would write
	@test ! -e operator/__init__.py || { echo "operator/__init__.py shadows the standard library's operator module: remove it"; exit 1; }
	@$(CLUSTER) tools
	$(PY) -m generate --check

cluster: venv ## Local kind cluster with KubeRay, NODES=n nodes (pulled, or built where no image registry is reachable)
	$(CLUSTER) up $(if $(NODES),--nodes $(NODES))

cluster-down: venv ## Remove the cluster; the cache of builds stays
	$(CLUSTER) down

cluster-status: venv ## What runs, in one screen
	$(CLUSTER) status

images: venv ## Build the images: operator, serve-cpu, serve (BASE=image with Ray, by default ray-llm, else serve-cpu)
	$(CLUSTER) build operator
	$(CLUSTER) build serve-cpu
	BASE=$(BASE) $(CLUSTER) build serve

install: cluster ## Install the operator's chart into the local cluster
	$(PY) -m cluster install

demo: cluster ## From nothing to an answer: cluster, operator, a model, a question
	$(PY) -m demo

test: ## The whole suite, fast layers first
	@$(MAKE) --no-print-directory lint verify
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-serve
	@$(MAKE) --no-print-directory test-contract
	@$(MAKE) --no-print-directory test-scale SCALE=100
	@$(MAKE) --no-print-directory test-chart
	@$(MAKE) --no-print-directory test-apiserver
	@$(MAKE) --no-print-directory test-e2e
	@$(MAKE) --no-print-directory test-image

test-unit: venv ## Pure parts and golden cases, in seconds
	$(PYTEST) -q tests/unit tests/golden

test-serve: venv ## The applications of serve_app on a real local Ray Serve
	$(PYTEST) -q tests/serve

test-scale: venv ## A fleet of SCALE LLMDeployments (1000) on a fake API server: writes and memory, flapping children, a killed leader
	SCALE=$(SCALE) $(PYTEST) -q tests/scale

bench-control: venv ## Control loop beside a naive kopf operator and a serial client (SCALE=300 ROUNDS=3 C1_SECONDS=30 OUT=file.json)
	SCALE=$(SCALE) ROUNDS=$(ROUNDS) C1_SECONDS=$(C1_SECONDS) ONLY=$(ONLY) OUT=$(OUT) $(PY) -m bench

test-contract: venv ## The real operator against a fake API server: counts, faults, two operators
	$(PYTEST) -q tests/contract

test-chart: venv ## The Helm chart
	$(CLUSTER) tools
	$(PYTEST) -q tests/chart

test-image: venv ## What runs inside the serving images: names, arguments, engines, applications
	$(CLUSTER) build serve-cpu
	$(PYTEST) -q tests/image

test-apiserver: cluster ## CRD, CEL and ownership at the real API server
	$(PYTEST) -q tests/apiserver

test-e2e: cluster ## The main job on real KubeRay, Ray and vLLM
	$(PYTEST) -q tests/e2e

test-catalogue: NODES := 2
test-catalogue: cluster ## Every way of serving, on fake accelerators (ONLY=words as for pytest -k; SAMPLES=all, subset or names)
	SAMPLES=$(SAMPLES) SAMPLES_SECONDS=$(SAMPLES_SECONDS) $(PYTEST) -q tests/catalogue $(if $(ONLY),-k "$(ONLY)")

test-chaos: cluster ## Random faults under load on the real cluster (MINUTES=30, SEED=n repeats a run)
	MINUTES=$(MINUTES) SEED=$(SEED) $(PYTEST) -q tests/chaos

test-mutation: venv ## Mutants of plan, status and apply code against test-unit (MUTANTS=750 or all, SEED=1, PATHS="plan stages", OUT=file.json)
	MUTANTS=$(MUTANTS) SEED=$(SEED) PATHS="$(PATHS)" TESTS="$(TESTS)" OUT=$(OUT) $(PY) -m mutation

golden: venv ## Rewrite the golden cases (look at the difference before you commit)
	$(PYTEST) -q tests/golden --update

clean: ## Remove what make made in the work tree
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache operator/.import_linter_cache
