#!/bin/sh
# Builds orders.wasm. Needs rustup's target: rustup target add wasm32-wasip2
set -eu
cd "$(dirname "$0")"
sluice=${SLUICE:-sluice}

"$sluice" wit wit
cargo build --locked --release --target wasm32-wasip2
"$sluice" build --component "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/orders.wasm"
