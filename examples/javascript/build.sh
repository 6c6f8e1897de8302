#!/bin/sh
# Builds orders.wasm. Needs Node.js 20 or newer, with npm.
set -eu
cd "$(dirname "$0")"
sluice=${SLUICE:-sluice}

npm ci --no-audit --no-fund
"$sluice" wit wit
# A connector sends requests and serves none.
npx --no-install componentize-js --wit wit --world-name connector --disable fetch-event --out component.wasm connector.js
"$sluice" build --component component.wasm
