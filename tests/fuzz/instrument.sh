#!/bin/sh
# For RUSTC_WORKSPACE_WRAPPER: compiles this project's code with counters of what is reached. Stable Rust can; the
# dependencies stay as they are. Only test programs have a place for the counters (host/src/fuzzing/coverage.rs).
case " $* " in
*" --test "*)
    exec "$@" --cfg sluice_coverage -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=3 \
        -C llvm-args=-sanitizer-coverage-inline-8bit-counters
    ;;
esac
exec "$@"
