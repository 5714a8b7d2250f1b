# Troupe: every target sets up what it needs. A second run is quick.
#
#   make cluster     boot a local mesh (HOSTS=5 for another size) and say where it is
#   make test        install, build, lint, and run every test that CI runs
#   make down        stop the mesh, keep its data        make wipe   stop it and remove its data
#   make simulate    the simulator: RUNS=2000 makes many runs on all cores, SEED=… begins there
#   make simulate-planted   known bugs are put back in: is each of them found out? BUGS=PB01,PB09 for some
#   make exhaustive  every order of events in small scopes, every crash state of the journal, to the full depth
#   make fuzz        the decoders, guided by coverage: TARGET=frame SECONDS=60
#   make drill       kill leading hosts and NATS under load, and count what was lost
#   make bench       beside etcd, JetStream KV and Redis: QUICK=1 for a look, PEERS=troupe,etcd ROUNDS=3 OUT=folder; writes docs/benchmarks/latest
#   make soak        real processes under load and real faults, judged: CYCLES=200, SEED=…, FAULTS=kill-one,cut,…
#   make bench-micro     what is hot, measured by itself: FILTER=engine for some
#   make bench-compare   the same beside its baseline: exit code 1 when something became slower; bench-baseline writes that anew

#   make bench-curves     what things cost as work grows: CURVES=items,clients for some, QUICK=1 for a short look, SIZES=8,64 for other points
#   make bench-endurance  mixed load for MINUTES=30: memory, handles, delays and latency must stay flat
#   make clean       remove what was built

HOSTS ?=
DATA ?= .troupe
NODE_BIN := node_modules/.bin
SOURCES := $(shell find runtime messaging actors cli ui-tui test -name '*.ts' 2>/dev/null)

# What `make` alone says.
help:
	@sed -n 's/^#   //p' Makefile

.PHONY: help cluster test down wipe clean build lint format simulate simulate-planted exhaustive fuzz drill soak bench bench-micro bench-compare bench-baseline bench-curves bench-endurance node-version nats-server

cluster: build
	@node cli/troupe.mjs up --data $(DATA) $(if $(HOSTS),--hosts $(HOSTS))

test: build nats-server lint
	@$(NODE_BIN)/mocha $(MOCHA_OPTIONS)

down: node-version
	@if [ -f dist/.built ]; then node cli/troupe.mjs down --data $(DATA); else echo 'nothing is built, so nothing runs'; fi

wipe: node-version
	@if [ -f dist/.built ]; then node cli/troupe.mjs down --data $(DATA) --wipe; else echo 'nothing is built, so nothing runs'; fi

clean:
	@rm -rf dist .build

build: node-version dist/.built

lint: node_modules/.installed
	@$(NODE_BIN)/oxlint --type-aware --deny-warnings runtime messaging actors cli test
	@$(NODE_BIN)/biome format . >/dev/null || { $(NODE_BIN)/biome format . ; echo 'run `make format`'; exit 1; }

format: node_modules/.installed
	@$(NODE_BIN)/biome format --write .

simulate: build
	@node --enable-source-maps cli/troupe.mjs sim $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS))

simulate-planted: build
	@node --enable-source-maps dist/test/simulation/planted-report.js $(or $(BUGS),all) $(if $(SEED),--seed $(SEED))

exhaustive: build
	@TROUPE_FULL=1 $(NODE_BIN)/mocha --no-package --node-option enable-source-maps --timeout 3600000 'dist/test/exhaustive/**/*.test.js'

fuzz: build
	@node --enable-source-maps dist/test/fuzz/run.js --target $(or $(TARGET),all) $(if $(SECONDS),--seconds $(SECONDS))

drill: build nats-server
	@node --enable-source-maps cli/troupe.mjs drill failover
	@node --enable-source-maps cli/troupe.mjs drill nats

soak: build nats-server
	@node --enable-source-maps cli/troupe.mjs soak $(if $(CYCLES),--cycles $(CYCLES)) $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

bench: build nats-server
	@node --enable-source-maps --expose-gc dist/test/bench/run.js $(if $(QUICK),--quick) $(if $(PEERS),--peers $(PEERS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(OUT),--out $(OUT))

bench-micro: build
	@node dist/test/bench/micro/run.js $(if $(FILTER),--filter '$(FILTER)')

bench-compare: build
	@node dist/test/bench/micro/run.js --compare test/bench/micro/baseline.json $(if $(FILTER),--filter '$(FILTER)')

bench-baseline: build
	@node dist/test/bench/micro/run.js --save test/bench/micro/baseline.json

bench-curves: build nats-server
	@node --enable-source-maps dist/test/bench/curves/run.js $(if $(CURVES),--curves $(CURVES)) $(if $(QUICK),--quick) $(if $(SIZES),--sizes $(SIZES)) $(if $(OUT),--out $(OUT))

bench-endurance: build nats-server
	@node --enable-source-maps dist/test/bench/endurance/run.js $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) $(if $(OUT),--out $(OUT))

# The tests start their own servers; this finds or installs the program.
nats-server: build
	@node cli/ensure-nats-server.mjs

node-version:
	@command -v node >/dev/null || { echo 'troupe: Node.js is missing; install 20.19 or newer from your system or nodejs.org'; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error("troupe: Troupe needs Node.js 20.19 or newer, this is " + process.versions.node); process.exit(1); }'

node_modules/.installed: package.json package-lock.json | node-version
	@echo 'installing packages …'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Built aside and then put in place, so that a mesh which runs from dist finds it whole.
dist/.built: node_modules/.installed tsconfig.json .build/sources $(SOURCES)
	@echo 'building …'
	@rm -rf .build/dist
	@$(NODE_BIN)/tsc -p . --outDir .build/dist
	@rm -rf dist
	@mv .build/dist dist
	@touch $@

# The names of the sources: one that is removed must leave dist, too.
.build/sources: always
	@mkdir -p .build
	@echo '$(SOURCES)' | cmp -s - $@ || echo '$(SOURCES)' > $@

.PHONY: always
