# Every target installs its prerequisites; a fresh Debian or Ubuntu machine needs only cargo and python3.
# `make istio` and `make envoy-gateway` need more: see docs/istio-test.md and docs/envoy-gateway-test.md.
# Environment variables: ENVOY=/path/to/envoy, KUSTOMIZE=/path/to/kustomize, PROMETHEUS=/folder/with/both/binaries,
# PANVEIL_WASM_TOOLCHAIN=rustup|debian, CARGO_TARGET_DIR, FUZZ_SECONDS.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
# Directly after its installation rustup's cargo is not on PATH.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

build_dir := $(or $(CARGO_TARGET_DIR),target)
wasm := $(CURDIR)/dist/panveil.wasm
resources := $(or $(RESOURCES),envoy-config/istio/base envoy-config/istio/traffic-extension/base envoy-config/envoy-gateway/base)
comma := ,
portable := clean cli cli-dist deny distclean explore help lint native notice
demo := cargo run --locked --package panveil-integration --bin demo --

# The other targets need GNU tools, /proc or a fetched Envoy.
system := $(shell uname -s)
ifneq ($(system),Linux)
$(foreach goal,$(filter-out $(portable),$(MAKECMDGOALS)),$(error $(goal) needs Linux; available on $(system): $(portable)))
endif

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### Build #####

.PHONY: wasm
wasm: ## Build dist/panveil.wasm
	@scripts/wasm

.PHONY: envoy
envoy: ## Fetch the Envoy in .envoy-version and print its path
	@scripts/envoy

.PHONY: cli
cli: native ## Build target/release/panveil, the command
	@echo "==> cli: $(build_dir)/release/panveil"
	@cargo build --release --locked --package panveil-cli

##### Ship #####

.PHONY: image
image: native wasm ## Pack dist/panveil.wasm into dist/image, for registries; IMAGE_SOURCE=url sets the source repository
	@echo "==> image"
	@cargo run --quiet --locked --package panveil-image -- pack --wasm "$(wasm)" --to dist/image $(if $(IMAGE_SOURCE),\
		--source "$(IMAGE_SOURCE)" --created "$$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)")

.PHONY: push
push: image ## Push IMAGE=registry/name:tag and pin its digest in RESOURCES; VARIANT=artifact pushes an OCI artifact
	@echo "==> push"
	@digest=$$(scripts/push "$(IMAGE)" $(VARIANT)); echo "$$digest"; \
		cargo run --quiet --locked --package panveil-image -- pin --digest "$$digest" --image "$(IMAGE:oci://%=%)" $(resources)

.PHONY: sbom
sbom: wasm ## Write dist/panveil.cdx.json, the SBOM of the wasm (CycloneDX)
	@echo "==> sbom"
	@scripts/sbom

.PHONY: dist
dist: image sbom ## Build all files of a release into dist/, with SHA256SUMS
	@echo "==> dist"
	@scripts/dist

.PHONY: cli-dist
cli-dist: ## Build the command for all release targets into dist/cli; needs rustup, takes minutes
	@echo "==> cli-dist"
	@scripts/cli-archive

.PHONY: notice
notice: ## Write NOTICE, the third-party works in the module and the command
	@scripts/notice

.PHONY: reproduce
reproduce: wasm ## Build the wasm again from scratch in another folder, and compare
	@echo "==> reproduce"
	@scripts/reproduce

##### Run #####

.PHONY: demo
demo: native envoy wasm ## Demonstrate panveil in a real Envoy
	@envoy=$$(scripts/envoy); echo "==> demo"; $(demo) --wasm "$(wasm)" --envoy "$$envoy"

.PHONY: run
run: native envoy wasm ## Run the demo, and keep Envoy running for manual requests
	@envoy=$$(scripts/envoy); echo "==> run"; $(demo) --wasm "$(wasm)" --envoy "$$envoy" --keep

.PHONY: mesh-demo
mesh-demo: native envoy wasm ## Demonstrate panveil in a mesh of three services; KEEP=1 keeps it running
	@envoy=$$(scripts/envoy); python=$$(scripts/python integration/peers/requirements.txt); \
		kustomize=$$(scripts/kustomize); prometheus=$$(scripts/prometheus); echo "==> mesh-demo: build"; \
		cargo build --locked --package panveil-cli; \
		cargo build --locked --package panveil-integration --features envoy --bin mesh-demo; echo "==> mesh-demo"; \
		PEERS_PYTHON="$$python" "$(build_dir)/debug/mesh-demo" --wasm "$(wasm)" --envoy "$$envoy" --kustomize "$$kustomize" \
		--prometheus "$$prometheus" --panveil "$(build_dir)/debug/panveil" --report "$(build_dir)/mesh-demo" $(if $(KEEP),--keep)

.PHONY: schema
schema: native ## Write the schemas of policies and records, and docs/policy-reference.md
	@echo "==> schema"
	@cargo build --locked --package panveil-cli
	@panveil="$(build_dir)/debug/panveil"; mkdir -p envoy-config/schemas; \
		$$panveil schema > envoy-config/schemas/policy.schema.json; \
		for subject in plugin policy-test record; do \
			$$panveil schema --of $$subject > envoy-config/schemas/$$subject.schema.json; done; \
		$$panveil schema --format markdown > docs/policy-reference.md

.PHONY: vocabulary
vocabulary: ## Write the word lists of vocabulary/ from their sources; needs npm, pip and Maven
	@echo "==> vocabulary"
	@scripts/vocabulary

##### Check #####

.PHONY: test
test: test-native test-dist ## Run every test, including those with a real Envoy and a real registry
	@kustomize=$$(scripts/kustomize); prometheus=$$(scripts/prometheus); echo "==> test: manifests, alerts, dashboard"; \
		KUSTOMIZE="$$kustomize" PROMETHEUS="$$prometheus" \
		cargo test --workspace --locked --features panveil/fake-host,panveil/fuzzing --test manifests; \
		echo "==> test: rendered policies"; \
		KUSTOMIZE="$$kustomize" cargo test --locked --package panveil-cli --test cli -- --ignored rendered
	@command -v curl >/dev/null || scripts/debian-packages curl
	@cargo build --locked --package panveil-cli
	@envoy=$$(scripts/envoy); python=$$(scripts/python integration/peers/requirements.txt); \
		kustomize=$$(scripts/kustomize); prometheus=$$(scripts/prometheus); echo "==> test: real Envoy"; \
		PANVEIL_WASM="$(wasm)" ENVOY="$$envoy" PEERS_PYTHON="$$python" KUSTOMIZE="$$kustomize" PROMETHEUS="$$prometheus" \
		PANVEIL_CLI="$(abspath $(build_dir))/debug/panveil" cargo test --locked --package panveil-integration --features envoy --test envoy

.PHONY: matrix
matrix: native wasm ## Run the Envoy tests on every pinned Envoy, or ENVOYS=1.37.0,1.39.3; TESTS=word selects tests
	@cargo build --locked --package panveil-cli
	@python=$$(scripts/python integration/peers/requirements.txt); kustomize=$$(scripts/kustomize); \
		prometheus=$$(scripts/prometheus); \
		PANVEIL_WASM="$(wasm)" PEERS_PYTHON="$$python" KUSTOMIZE="$$kustomize" PROMETHEUS="$$prometheus" \
		PANVEIL_CLI="$(abspath $(build_dir))/debug/panveil" TESTS="$(TESTS)" scripts/matrix $(ENVOYS)

.PHONY: test-native
test-native: native ## Run the tests without wasm and Envoy
	@command -v openssl >/dev/null || scripts/debian-packages openssl
	@echo "==> test: unit, property, fake host, native ABI, command line, documents"
	@cargo test --workspace --locked --features panveil/fake-host,panveil/fuzzing

.PHONY: explore
explore: native ## Run the property tests on new cases; SEED=n replays
	@seed=$${SEED:-$$(date +%s)}; echo "==> explore: make explore SEED=$$seed"; \
		PROPTEST_RNG_SEED="$$seed" cargo test --locked --package panveil --features fake-host,fuzzing --lib --test fuzz || \
		{ echo "explore: a property test failed; replay it with: make explore SEED=$$seed" >&2; exit 1; }

.PHONY: test-dist
test-dist: dist ## Check the files of a release: checksums, SBOM, licences, images in a real registry
	@python=$$(scripts/python scripts/sbom-requirements.txt); echo "==> test: checksums, SBOM, licences"; \
		(cd dist && sha256sum --quiet --check SHA256SUMS); "$$python" scripts/sbom-check; scripts/notice --check
	@registry=$$(scripts/registry); skopeo=$$(scripts/skopeo); echo "==> test: real registry"; \
		PANVEIL_WASM="$(wasm)" REGISTRY="$$registry" SKOPEO="$$skopeo" \
		cargo test --locked --package panveil-image --features dist --test dist

.PHONY: fuzz
fuzz: ## Fuzz each target, or TARGET=name, for FUZZ_SECONDS=60
	@scripts/fuzz $(TARGET)

.PHONY: soak
soak: native envoy wasm ## Send REQUESTS=200000 mixed requests through Envoy during policy changes; SEED=n replays
	@echo "==> soak: build"
	@cargo build --release --locked --package panveil-integration --bin soak
	@envoy=$$(scripts/envoy); "$(build_dir)/release/soak" --wasm "$(wasm)" --envoy "$$envoy" \
		$(if $(REQUESTS),--requests $(REQUESTS)) $(if $(SEED),--seed $(SEED))

.PHONY: leaks
leaks: native envoy wasm ## Search all logs, admin pages and spans of REQUESTS=50000 requests for card numbers; SEED=n replays
	@echo "==> leaks: build"
	@cargo build --release --locked --package panveil-integration --features envoy --bin leaks
	@envoy=$$(scripts/envoy); python=$$(scripts/python integration/peers/requirements.txt); \
		PEERS_PYTHON="$$python" "$(build_dir)/release/leaks" --wasm "$(wasm)" --envoy "$$envoy" \
		$(if $(REQUESTS),--requests $(REQUESTS)) $(if $(SEED),--seed $(SEED))

.PHONY: hostile-peers
hostile-peers: envoy ## Check EXCHANGES=300000 random streams at the receiver; SEED=n replays, ONLY=n runs one, WITH=name=value,... changes it
	@$(if $(WASM),,scripts/wasm)
	@envoy=$$(scripts/envoy); python=$$(scripts/python integration/peers/requirements.txt); \
		"$$python" -B integration/hostile-peers/run.py --wasm "$(or $(WASM),$(wasm))" --envoy "$$envoy" \
		$(if $(EXCHANGES),--exchanges $(EXCHANGES)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) \
		$(addprefix --with ,$(subst $(comma), ,$(WITH))) $(if $(REPORT),--json $(REPORT))

.PHONY: istio
istio: native envoy ## Run Istio's own control plane against the shipped manifests (root, Go); ONLY=word selects checks, UPDATE=1 rewrites golden files
	@scripts/istio-tools --check
	@$(MAKE) --no-print-directory image
	@cargo build --quiet --locked --package panveil-cli
	@tools=$$(scripts/istio-tools); envoy=$$(scripts/envoy); registry=$$(scripts/registry); kustomize=$$(scripts/kustomize); \
		prometheus=$$(scripts/prometheus); scripts/skopeo >/dev/null; \
		python=$$(scripts/python integration/peers/requirements.txt); echo "==> istio"; \
		"$$python" -B integration/istio/run.py --tools "$$tools" --envoy "$$envoy" --wasm "$(wasm)" --registry "$$registry" \
		--kustomize "$$kustomize" --image-tool "$(build_dir)/debug/image" --prometheus "$$prometheus" --panveil "$(build_dir)/debug/panveil" \
		$(addprefix --only ,$(subst $(comma), ,$(ONLY))) $(if $(UPDATE),--update)

.PHONY: istio-chaos
istio-chaos: native envoy ## Change and break an Istio mesh at random under traffic (root, Go), for SECONDS=1800; SEED=n replays the order
	@scripts/istio-tools --check
	@$(MAKE) --no-print-directory image
	@tools=$$(scripts/istio-tools); envoy=$$(scripts/envoy); registry=$$(scripts/registry); kustomize=$$(scripts/kustomize); \
		scripts/skopeo >/dev/null; python=$$(scripts/python integration/peers/requirements.txt); echo "==> istio-chaos"; \
		"$$python" -B integration/istio-chaos/run.py --tools "$$tools" --envoy "$$envoy" --wasm "$(wasm)" --registry "$$registry" \
		--kustomize "$$kustomize" --image-tool "$(build_dir)/debug/image" $(if $(filter command line,$(origin SECONDS)),--seconds "$(SECONDS)") \
		$(if $(SEED),--seed "$(SEED)")

.PHONY: envoy-gateway
envoy-gateway: native envoy ## Run Envoy Gateway against the shipped manifests (root, Go); ONLY=word selects checks
	@scripts/istio-tools --check
	@$(MAKE) --no-print-directory image
	@tools=$$(scripts/istio-tools envoy-gateway); envoy=$$(scripts/envoy); registry=$$(scripts/registry); kustomize=$$(scripts/kustomize); \
		scripts/skopeo >/dev/null; python=$$(scripts/python integration/peers/requirements.txt); echo "==> envoy-gateway"; \
		"$$python" -B integration/envoy-gateway/run.py --tools "$$tools" --envoy "$$envoy" --wasm "$(wasm)" --registry "$$registry" \
		--kustomize "$$kustomize" --image-tool "$(build_dir)/debug/image" $(addprefix --only ,$(subst $(comma), ,$(ONLY)))

.PHONY: bench
bench: native envoy wasm ## Measure CPU, latency and memory, compared with other filters; update docs/performance.md
	@scripts/wasm naive
	@scripts/wasm noop
	@echo "==> bench: build"
	@cargo build --release --locked --package panveil-integration --features envoy --bin bench
	@envoy=$$(scripts/envoy); "$(build_dir)/release/bench" --wasm "$(wasm)" --naive "$(CURDIR)/dist/naive.wasm" \
		--noop "$(CURDIR)/dist/noop.wasm" --envoy "$$envoy" \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) \
		$(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(QUICK)$(SCENARIO),,--docs docs)

.PHONY: bench-cost
bench-cost: native envoy wasm ## Measure the growth of cost with bodies, fields, rules, patterns, findings; update docs/cost.md
	@echo "==> bench-cost: build"
	@cargo build --release --locked --package panveil-integration --features envoy --bin bench-cost
	@envoy=$$(scripts/envoy); "$(build_dir)/release/bench-cost" --wasm "$(wasm)" --envoy "$$envoy" \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick,--docs docs)

.PHONY: bench-frames
bench-frames: envoy wasm ## Measure the cost of one-byte frames, compared with a no-op filter; docs/performance.md has the figures
	@scripts/wasm noop
	@envoy=$$(scripts/envoy); python=$$(scripts/python integration/peers/requirements.txt); \
		"$$python" -B integration/hostile-peers/frames.py --wasm "$(wasm)" --noop "$(CURDIR)/dist/noop.wasm" --envoy "$$envoy" \
		$(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: bench-scan
bench-scan: native ## Measure the speed of the detector, natively and in V8; update docs/scanner-speed.md
	@scripts/wasm scan-speed
	@echo "==> bench-scan: build"
	@cargo build --profile scan-speed --locked --package panveil-scan-speed --bin scan-speed
	@cargo build --release --locked --package panveil-integration --bin bench-scan
	@"$(build_dir)/release/bench-scan" --native "$(build_dir)/scan-speed/scan-speed" --wasm dist/scan-speed.wasm \
		--script integration/scan-speed/run.mjs $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick,--docs docs)

.PHONY: bench-files
bench-files: cli ## Measure panveil scan on files, compared with ripgrep and BEFORE=/path/to/panveil; update docs/scan-speed.md
	@command -v rg >/dev/null || scripts/debian-packages ripgrep
	@scripts/bench-files $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(BEFORE),--before $(BEFORE)) --docs

.PHONY: hostile
hostile: native ## Search for slow inputs of the detector, for SECONDS=60; SEED=n repeats a search
	@echo "==> hostile: build"
	@cargo build --profile scan-speed --locked --package panveil-scan-speed --features search --bin hostile
	@"$(build_dir)/scan-speed/hostile" $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

.PHONY: eval
eval: native ## Measure recall and false positives of the detector; update docs/evaluation.md. GATE=1 checks it, and each rule
	@echo "==> eval: build"
	@cargo build --release --locked --package panveil-integration --bin eval $(if $(GATE),--features mutations)
	@$(if $(GATE),scripts/eval-gate "$(build_dir)","$(build_dir)/release/eval" --docs docs)

.PHONY: lint
lint: ## Check format, lints, language and documentation
	@scripts/native-toolchain --lint
	@echo "==> lint: language"
	@python3 -B -m unittest discover --quiet --start-directory scripts/prose
	@python3 -B scripts/prose
	@echo "==> lint: vocabulary"
	@scripts/vocabulary --check
	@echo "==> lint: format"
	@cargo fmt --all --check
	@cargo fmt --manifest-path fuzz/Cargo.toml --check
	@cargo fmt --manifest-path integration/naive/Cargo.toml --check
	@cargo fmt --manifest-path integration/noop/Cargo.toml --check
	@echo "==> lint: clippy"
	@cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	@echo "==> lint: workflows"
	@! grep -n 'uses: [^.]' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9.]+$$' || \
		{ echo "lint: actions above are not pinned as owner/name@commit # version" >&2; exit 1; }
	@echo "==> lint: documentation"
	@RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps --locked

.PHONY: deny
deny: ## Check dependencies for licences, advisories and origin; DENY="licenses bans sources" works offline
	@cargo deny --version >/dev/null 2>&1 || { echo "deny: no cargo-deny; run: cargo install cargo-deny --locked" >&2; exit 1; }
	@for manifest in Cargo.toml fuzz/Cargo.toml integration/naive/Cargo.toml integration/noop/Cargo.toml; do echo "==> deny: $$manifest"; \
		cargo deny --manifest-path "$$manifest" --config deny.toml --all-features --locked check $(DENY); done

.PHONY: report-browser
report-browser: native ## Open a report of the command in Chromium: rendering, filter, print, accessibility; UPDATE=1 rewrites docs/report.png, REPORT=folder opens that of make mesh-demo
	@echo "==> report-browser: build"
	@cargo build --locked --package panveil-cli
	@echo "==> report-browser"
	@scripts/report-browser "$(build_dir)/debug/panveil" $(if $(UPDATE),--screenshot docs/report.png) $(if $(REPORT),--report "$(abspath $(REPORT))")

.PHONY: size
size: wasm ## Show the size of the wasm by crate and function; update docs/size.md
	@scripts/wasm names
	@echo "==> size: build"
	@cargo build --locked --package panveil-integration --bin size
	@"$(build_dir)/debug/size" --wasm "$(wasm)" --names dist/names.wasm --docs docs
	@echo "==> size: $$(stat --format=%s "$(wasm)") bytes, gzipped $$(gzip --best --stdout "$(wasm)" | wc --bytes) bytes"

.PHONY: real-files
real-files: cli ## Count the false positives in 900 MB of third-party files
	@echo "==> real-files"
	@scripts/real-files

##### Clean #####

.PHONY: clean
clean: ## Remove build output; keep fetched tools
	@rm -rf dist "$(build_dir)"/{wasm,debug,release,doc,fuzz/build,matrix}

.PHONY: distclean
distclean: ## Remove build output and fetched tools
	@rm -rf dist "$(build_dir)"/{wasm,debug,release,doc,envoy,kustomize,prometheus,python,fuzz,matrix,real-files,vocabulary,istio}

# Not listed: checks for cargo and a C linker.
.PHONY: native
native:
	@scripts/native-toolchain
