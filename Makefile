# Every target brings about what it needs; `make help` lists them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

FUZZTIME ?= 1m
SEED     ?=
ROUNDS   ?=

SCRIPTS := $(wildcard scripts/*.sh) .ci/run packaging/postinst packaging/prerm packaging/postrm cmd/ingest/testdata/boot.sh

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: engine
engine: ## fetch the embedded ClickHouse into the cache, integrity checked
	@scripts/engine.sh

.PHONY: build
build: ## build bin/ingest and bin/simnet
	go build -o bin/ ./cmd/ingest ./cmd/simnet

# The tools are modules of their own, so that what they depend on stays out of
# the main go.mod.
bin/versitygw: tools/versitygw/go.mod tools/versitygw/go.sum
	go build -C tools/versitygw -o "$(CURDIR)/bin/" tool
	@touch $@

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	go build -C tools/lint -o "$(CURDIR)/bin/" tool
	@touch $@

bin/release: tools/release/go.mod tools/release/go.sum $(wildcard tools/release/*.go)
	go build -C tools/release -o "$(CURDIR)/bin/" . tool
	@touch $@

# An npm package of its own, so that who fetches the engine fetches nothing more. It is made
# aside, as nobody may run half of it.
bin/sqs: tools/sqs/package.json tools/sqs/package-lock.json tools/sqs/serve.mjs
	@mkdir -p bin; aside=$$(mktemp -d bin/.sqs.XXXXXX); trap 'rm -rf "$$aside"' EXIT; \
	  cp .npmrc $^ "$$aside"; \
	  (cd "$$aside" && npm ci --cache "$$PWD/.cache" --no-progress --no-update-notifier --loglevel=error); \
	  rm -rf "$$aside/.cache" $@; mv "$$aside" $@; trap - EXIT

.PHONY: release
release: bin/release ## archives, packages, SBOMs and checksums of VERSION=1.2.3, from the commit, made twice and compared
	@test -n "$(VERSION)" || { echo "make release VERSION=1.2.3"; exit 1; }
	@bin/release notes $(VERSION) >/dev/null # a version without notes is told before the builds, not after
	bin/release build $(VERSION) dist
	@again=$$(mktemp -d); trap 'chmod -R u+w "$$again"; rm -rf "$$again"' EXIT; \
	  GOCACHE="$$again/cache" GOFLAGS=-p=1 bin/release build $(VERSION) "$$again/dist"; \
	  diff -r dist "$$again/dist" && echo "dist: the same bytes, made twice"
	bin/release notes $(VERSION) >dist/NOTES.md

.PHONY: demo
demo: ## load three days of a simulated network and query them
	@scripts/demo.sh

.PHONY: cluster
cluster: ## two shards of two replicas by Docker Compose, and a load into them
	@scripts/cluster.sh

.PHONY: demo-lost
demo-lost: ## the demo with a file that the network lost: reconcile says which
	@LOSE=1 scripts/demo.sh

# Packages whose tests take longest begin first, or one of them ends alone.
LONGEST := ./internal/pipeline ./internal/faults ./cmd/ingest ./internal/store ./tools/chaos ./internal/dims ./internal/reconcile

.PHONY: test
test: engine bin/versitygw bin/sqs bin/release ## the whole suite: real ClickHouse, real S3, race detector
	go test -C tools/kubernetes ./...
	go test -C tools/release -count=1 ./... # it reads the commit, which the cache does not see
	GORACE="atexit_sleep_ms=0 $${GORACE:-}" go test -race -vet=off -ldflags="-s -w" -timeout 40m $(LONGEST) ./... # or each program sleeps for a second at its end; lint vets, and symbols would only be linked

.PHONY: lint
lint: bin/golangci-lint ## gofmt, golangci-lint, shellcheck
	@unformatted="$$(gofmt -l cmd internal schema tools)"; \
	if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi
	bin/golangci-lint run ./...
	@command -v shellcheck >/dev/null || { echo "lint needs shellcheck (apt-get install shellcheck)"; exit 1; }
	shellcheck $(SCRIPTS)

.PHONY: picture
picture: ## take the README's picture of the status page anew, by Chromium
	@shots="$$(mktemp -d)"; PAGE_SHOTS="$$shots" go test -count=1 -run TestPage/pointer ./internal/page/render && mv "$$shots/day.png" docs/status.png; rm -r "$$shots"

.PHONY: bench
bench: engine build bin/versitygw ## ingest against its rivals, one table; exit 1 when a promise of docs/performance.md is missed
	go test -run '^$$' -bench . -benchmem ./internal/parse ./internal/rows ./internal/load
	go build -o bin/ ./tools/bench
	bin/bench $(BENCH)

.PHONY: bench-queries
bench-queries: engine build ## a year of 100 M clicks, asked what analysts ask; exit 1 when docs/performance.md promises less time. 20 GB in bench-queries/, made once
	go build -o bin/ ./tools/queries
	bin/queries $(BENCH)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (a minute)
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; \
	  done; \
	done

.PHONY: mutants
mutants: engine build bin/versitygw bin/sqs ## take each protection out and see its test fail; ONLY=… narrows
	go run ./tools/mutants -only '$(ONLY)'

.PHONY: chaos
chaos: engine build bin/versitygw ## kill and stop loads at random, spoil their sources, compare every row; SEED=… ROUNDS=… SHAPE=single|shards|replicas
	go build -o bin/ ./tools/chaos
	bin/chaos --rounds $(or $(ROUNDS),200) $(if $(SEED),--seed $(SEED)) $(if $(SHAPE),--shape $(SHAPE))
