# `make` shows what there is. Tools are pinned here; they are built into .mino/bin when
# the PATH does not have them.

TEMPORAL      := --any temporal github.com/temporalio/cli/cmd/temporal v1.5.1 "the Temporal dev server: about 3 minutes, the first time only"
GOLANGCI_LINT := golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0 "about 2 minutes, the first time only"
WORKFLOWCHECK := workflowcheck go.temporal.io/sdk/contrib/tools/workflowcheck v0.6.0
GOVULNCHECK   := govulncheck golang.org/x/vuln/cmd/govulncheck v1.9.0
# Of one version, which the schema is of too. Later ones need a later Go.
TEMPORAL_SERVER := temporal-server go.temporal.io/server/cmd/server v1.32.1 "the Temporal server: several minutes, the first time only"
TEMPORAL_SQL    := temporal-sql-tool go.temporal.io/server/cmd/tools/sql v1.32.1 "its schema tool"

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Go wants a home for its caches; some build servers give none.
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/.mino/home
endif

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The version is passed in, so Go need not ask git, which may not trust the checkout.
BUILD := go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

# $(temporal) is the path of the Temporal command line tool, found or built. The reader
# may name one in MINO_TEMPORAL_CLI.
temporal = $${MINO_TEMPORAL_CLI:-$$(.ci/tool $(TEMPORAL))}

.PHONY: help
help: ## Show this help
	@echo "MINO: a CSV of sites in, scored results out, durably."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## Bring up everything, run the example shop through it, stay up until Ctrl-C
	@.ci/chromium; cli="$(temporal)"; MINO_TEMPORAL_CLI="$$cli" exec bin/mino demo

.PHONY: run
run: build ## Bring up everything without the example (mino dev)
	@cli="$(temporal)"; MINO_TEMPORAL_CLI="$$cli" exec bin/mino dev

.PHONY: build
build: ## Build bin/mino
	@.ci/beat "Building MINO (a minute or two the first time, seconds after that)" $(BUILD) -o bin/mino ./cmd/mino

# These fill the machine by themselves: processes that are killed, whole systems with their
# workers, browsers, and workflows whose clock goes with that of the wall while activities
# run. Side by side they take each other the time that heartbeats need.
heavy := internal/devstack internal/e2e internal/faults executors/browser \
	workflows workflows/child workflows/contract
space := $(subst ,, )

.PHONY: test
test: ## Run all tests; they start PostgreSQL and Temporal themselves
	@.ci/chromium
	@cc=$$(go env CC); command -v "$${cc%% *}" >/dev/null || { \
		echo "The race detector needs a C compiler ($$cc); on Debian: apt-get install gcc libc6-dev" >&2; exit 1; }
	@.ci/beat "Compiling with the race detector (several minutes the first time)" go build -race -buildvcs=false ./...
	@cli="$(temporal)"; echo "Running the tests" >&2; export MINO_TEMPORAL_CLI="$$cli"; failed=0; \
		go test -race -timeout 20m $$(go list ./... | grep -vE '$(subst $(space),|,$(heavy))') || failed=1; \
		go test -race -timeout 20m -p 1 $(addprefix ./,$(heavy)) || failed=1; exit $$failed

.PHONY: test-cluster
test-cluster: ## Run a batch on a Temporal server with PostgreSQL persistence, several workers and APIs
	@server="$$(.ci/tool $(TEMPORAL_SERVER))"; sql="$$(.ci/tool $(TEMPORAL_SQL))"; \
		MINO_TEMPORAL_SERVER="$$server" MINO_TEMPORAL_SQL="$$sql" \
		go test -count=1 -timeout 20m -run Cluster ./internal/devstack ./internal/e2e

.PHONY: test-faults
test-faults: ## Break things under long runs: kills, crashes, cut lines, wrong clocks
	@cli="$(temporal)"; MINO_TEMPORAL_CLI="$$cli" MINO_FAULTS=long \
		go test -count=1 -v -timeout 90m ./internal/faults; \
		MINO_FAULTS=long go test -count=1 -v -timeout 30m -run '^TestControlAgainstAModel$$' ./workflows

.PHONY: bench
bench: ## Measure the promised figures: a table, and bench.json; it takes long
	@cli="$(temporal)"; MINO_TEMPORAL_CLI="$$cli" MINO_BENCH_FILE="$(CURDIR)/bench.json" \
		go test -run '^$$' -bench '$(or $(BENCH),.)' -benchtime 1x -timeout 3h ./internal/bench

.PHONY: histories
histories: ## Record histories of real runs for the replay test
	@cli="$(temporal)"; mkdir -p workflows/testdata/histories; MINO_TEMPORAL_CLI="$$cli" \
		MINO_RECORD_HISTORIES="$(CURDIR)/workflows/testdata/histories" \
		go test -count=1 -run '^Test(Control|Worker.*|Chunks|Tolerance|Child.*|ActivityExecutor.*)$$' ./internal/e2e

.PHONY: lint
lint: ## Check format, vet, lint, import rules, determinism of workflows, vulnerabilities
	@linter="$$(.ci/tool $(GOLANGCI_LINT))"; checker="$$(.ci/tool $(WORKFLOWCHECK))"; \
		echo "gofmt" >&2; \
		unformatted="$$(find . -name '*.go' -not -path './.*' -exec gofmt -l {} +)"; \
		if [[ -n $$unformatted ]]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi; \
		.ci/beat "go vet (compiles everything the first time)" go vet ./...; \
		.ci/beat "golangci-lint" "$$linter" run --allow-parallel-runners ./...; \
		.ci/beat "import rules, planted violations" env MINO_GOLANGCI_LINT="$$linter" \
			go test -count=1 -run '^TestLinterRefusesPlantedImports$$' ./internal/archtest; \
		.ci/beat "workflowcheck" "$$checker" ./workflows/...; \
		.ci/vulncheck $(GOVULNCHECK)

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities, where their database can be reached
	@.ci/vulncheck $(GOVULNCHECK)

.PHONY: fmt
fmt: ## Format the code
	@"$$(.ci/tool $(GOLANGCI_LINT))" fmt ./...

.PHONY: tools
tools: ## Build the tools that the other targets use
	@.ci/tool $(TEMPORAL); .ci/tool $(GOLANGCI_LINT); .ci/tool $(WORKFLOWCHECK); .ci/tool $(GOVULNCHECK)

.PHONY: chromium
chromium: ## Install Chromium for the browser executor, where that can be done
	@.ci/chromium

.PHONY: clean
clean: ## Remove what was built; the dev stack's data and the tools stay in .mino
	@rm -rf bin dist
