# Everything here needs Go and nothing else, unless its line says so.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# What `make test` passes to go test, such as -json.
TESTFLAGS ?=

# How long each fuzz target runs, and of which packages.
FUZZTIME ?= 60s
FUZZ ?= ./...

# The directory that holds the black-box conformance suites and conform, which plays them.
CONFORM ?= ../shared/conformance

LINT := go tool -modfile=.tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help build objectstores run operational-auth test test-objectstores check bench fuzz conformance e2e e2e-packages clean

help: ## what can be made
	@[ -t 1 ] && bold=$$(printf '\033[1m') plain=$$(printf '\033[0m'); \
	awk -F ':.*## ' -v bold="$$bold" -v plain="$$plain" \
		'/^[a-z0-9-]+:.*## / { printf "  %s%-17s%s %s\n", bold, $$1, plain, $$2 }' $(MAKEFILE_LIST)

build: ## ./ostiary, a static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o ostiary ./cmd/ostiary

objectstores: ## ./ostiary-objectstores, the same with rules from s3://, gs:// and azblob:// (a much larger binary)
	CGO_ENABLED=0 go build -trimpath -tags objectstores -ldflags "-X main.version=$(VERSION)" -o ostiary-objectstores ./cmd/ostiary

run: ## a gate to try out, with services of its own to stand behind it
	go run ./cmd/ostiary quickstart

operational-auth: ## the example in testdata/deploy, with a real Kratos (needs a C compiler, and the first time minutes)
	go run ./testdata/deploy/operational-auth/local

# Many tests wait for an engine more than they compute, so that more of them run at a time than there are cores.
test: ## all tests, with the race detector (needs a C compiler)
	go test -race -parallel=4 $(TESTFLAGS) ./...

test-objectstores: ## the tests of rules in object stores, with the race detector (needs a C compiler)
	go test -race -tags=objectstores $(TESTFLAGS) ./rules/repository/

check: ## vet, format, lint, and the state of the modules
	go vet -tags=e2e ./... ./testdata/deploy/...
	@unformatted=$$(gofmt -l cmd config handlers pipeline rules testdata/deploy .ci) && \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(LINT) run ./... ./testdata/deploy/...
	go mod tidy -diff
	go mod verify

bench: ## all benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

fuzz: ## each fuzz target of FUZZ (all packages) for FUZZTIME (60s)
	@set -e; for package in $$(go list $(FUZZ)); do \
		for target in $$(go test -list='^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) $$package; \
		done; \
	done

conformance: build ## the binary against all suites of CONFORM (needs Python 3)
	@if [ -x "$(CONFORM)/conform" ]; then "$(CONFORM)/conform" --bin ./ostiary; \
	else echo "no conform in $(CONFORM); name its directory with CONFORM="; exit 1; fi

e2e: e2e-packages test-objectstores ## the scenario, the example, and the engine against real servers, built the first time (some minutes)
	go test -race -tags=e2e -count=1 -v -timeout=60m -run='^(TestOperationalAuth$$|TestConfigMapSwapsUnderLoad$$|TestEveryFrontEndDecidesAlike$$|TestIstioAsks$$|TestE2E)' ./cmd/ostiary

e2e-packages:
	@.ci/e2e-packages

clean: ## remove what was built
	rm -rf ostiary ostiary-objectstores .build
