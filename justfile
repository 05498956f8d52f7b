# One entry point for people: `just check` reads, and is what CI runs; `just fix` writes.

check:
    .ci/run

fix:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features --fix --allow-dirty

demo:
    cargo run --release -- demo

# Strangers' input against the parsers, one target or all of them, so many seconds each.
fuzz target="all" seconds="60":
    tests/fuzz/run {{target}} {{seconds}}

# Another implementation in Rust judges did:webvh logs; see tests/interop/README.md.
interop-rs *files:
    cargo run --quiet --locked --manifest-path tests/interop-rs/Cargo.toml -- {{files}}

# Every figure of BENCHMARKS.md, or those named; about a quarter of an hour, nearly half of it for a million handles.
bench *figures="all":
    cargo run --release -p namesake-tests --bin bench -- {{figures}}

# Floods a release build from one client (and from ten thousand addresses), and prints what another client meets.
flood *options:
    cargo build --release --locked
    node tests/flood/run.mjs {{options}}
