# Two commands matter: `make preview` and `make test`. Both set everything up in .venv first.
STACK ?= dev
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REHEARSAL_TOOLS := pulumi etcd kube-apiserver kube-controller-manager kube-scheduler kwok karpenter-kwok

# Compiled bytecode makes every later start seconds faster; some environments switch it off.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: preview test lint types engine cluster rehearse rehearse-tests bench doctor generate clean

preview: $(READY) ## Show what STACK (default dev) would create, cost and break
	@$(BIN)/trellis preview $(STACK)

test: $(READY) lint types ## Lint, types and all tests that need neither engine nor cluster nor minutes
	$(BIN)/pytest -n 2 -m "not engine and not cluster and not rehearse"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

engine: $(READY) ## Tests on the real Pulumi engine; builds it where it is missing
	$(BIN)/trellis toolchain install pulumi
	$(BIN)/pytest -m engine

cluster: $(READY) ## Tests on a real Kubernetes control plane and with Helm; builds them where they are missing
	$(BIN)/trellis toolchain install helm etcd kube-apiserver kube-controller-manager kube-scheduler kwok kserve-manager trainer-manager
	$(BIN)/pytest -m cluster

rehearse: $(READY) ## Bring STACK up and down on this machine: real engine, real control plane (ACTS=all for slow acts too)
	$(BIN)/trellis toolchain install $(REHEARSAL_TOOLS)
	$(BIN)/trellis rehearse $(STACK) $(if $(ACTS),--acts $(ACTS))

rehearse-tests: $(READY) ## Tests of the slow acts
	$(BIN)/trellis toolchain install $(REHEARSAL_TOOLS)
	$(BIN)/pytest -m rehearse

bench: $(READY) ## Timings of previews; prints, asserts nothing
	$(BIN)/python -m tests.bench

doctor: $(READY)
	@$(BIN)/trellis doctor

generate: $(READY) ## Write generated files anew
	$(BIN)/trellis generate

clean:
	rm -rf $(VENV)

# A half-made environment leaves no stamp, so the next run starts over.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Trellis needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)
