#!/bin/sh
# Attacks each target of the harness (host/src/fuzzing/) for so many seconds, guided by coverage, one after the other:
#   tests/fuzz/run.sh 600                 all of them
#   tests/fuzz/run.sh 600 frames names    these
# Inputs that show something new are kept below target/fuzz/kept/.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
shift
build() { RUSTC_WORKSPACE_WRAPPER="$PWD/tests/fuzz/instrument.sh" cargo test --release --lib "$@"; }
[ $# -gt 0 ] || set -- $(build -- --list ::fuzz_ | sed -n 's/.*::fuzz_\(.*\): test$/\1/p')
failed=
for target; do
    SLUICE_FUZZ_SECONDS=$seconds SLUICE_FUZZ_KEEP=${SLUICE_FUZZ_KEEP:-$PWD/target/fuzz/kept} \
        build -- --nocapture "::fuzz_$target" || failed="$failed $target"
done
[ -z "$failed" ] || { echo "findings:$failed" >&2; exit 1; }
