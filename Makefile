# Everything here needs Go and nothing else, unless its line says so.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
COMMITTED ?= $(shell TZ=UTC git show -s --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)

# The same sources and these three make the same bytes, in whatever directory, with git or without it. So nothing else
# may be noted in the binary: neither paths nor what Go finds out of the commit by itself.
BUILD = CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false \
	-ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.committed=$(COMMITTED)"

# Where make vulnerabilities asks what is known.
GOVULNDB ?= https://vuln.go.dev

# What `make test` passes to go test, such as -json.
TESTFLAGS ?=

# How long each fuzz target runs, and of which packages.
FUZZTIME ?= 60s
FUZZ ?= ./...

# The directory that holds the black-box conformance suites and conform, which plays them.
CONFORM ?= ../shared/conformance

LINT := go tool -modfile=.tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help build objectstores run operational-auth test test-objectstores check sbom vulnerabilities bench fuzz conformance e2e e2e-packages clean

help: ## what can be made
	@[ -t 1 ] && bold=$$(printf '\033[1m') plain=$$(printf '\033[0m'); \
	awk -F ':.*## ' -v bold="$$bold" -v plain="$$plain" \
		'/^[a-z0-9-]+:.*## / { printf "  %s%-17s%s %s\n", bold, $$1, plain, $$2 }' $(MAKEFILE_LIST)

build: ## ./ostiary, a static binary
	$(BUILD) -o ostiary ./cmd/ostiary

objectstores: ## ./ostiary-objectstores, the same with rules from s3://, gs:// and azblob:// (a much larger binary)
	$(BUILD) -tags objectstores -o ostiary-objectstores ./cmd/ostiary

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

sbom: build ## ./ostiary.cdx.json, what is in ./ostiary (CycloneDX)
	@go run .ci/sbom/main.go ostiary "$(VERSION)" >ostiary.cdx.json

vulnerabilities: ## what is known against the modules, and against Go, that the program really calls (asks GOVULNDB)
	@status=0; go tool -modfile=.tools/go.mod govulncheck -db "$(GOVULNDB)" -tags objectstores ./cmd/ostiary || status=$$?; \
	case $$status in 0|3) ;; *) echo "vulnerabilities: NOTHING was checked, for the reason above; the database is $(GOVULNDB), and GOVULNDB= names another one";; esac; \
	exit $$status

bench: ## all benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

fuzz: ## each fuzz target of FUZZ (all packages) for FUZZTIME (60s), two on each core at a time
	@.ci/fuzz $(FUZZTIME) $(FUZZ)

conformance: build ## the binary against all suites of CONFORM (needs Python 3)
	@if [ -x "$(CONFORM)/conform" ]; then "$(CONFORM)/conform" --bin ./ostiary; \
	else echo "no conform in $(CONFORM); name its directory with CONFORM="; exit 1; fi

e2e: e2e-packages test-objectstores ## the scenario, the example, and the engine against real servers, built the first time (some minutes)
	go test -race -tags=e2e -count=1 -v -timeout=60m -run='^(TestOperationalAuth$$|TestConfigMapSwapsUnderLoad$$|TestEveryFrontEndDecidesAlike$$|TestIstioAsks$$|TestE2E)' ./cmd/ostiary

e2e-packages:
	@.ci/e2e-packages

clean: ## remove what was built
	rm -rf ostiary ostiary-objectstores ostiary.cdx.json .build
