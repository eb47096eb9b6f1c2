#!/bin/sh
# Runs the tests of exit with their compartments under AddressSanitizer. The tests run without keys,
# because QEMU would take minutes for each:
#   run_with_asan.sh [MODULE...]       default: all of tests/runtime/exit
# AddressSanitizer sees the stacks, globals and destructors of the compartments. It does not know
# jemalloc, which serves their heaps.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
IA2_SOURCE=$source
IA2_BUILD=${IA2_BUILD:-$source/build}
runtime=$(clang -print-file-name=libclang_rt.asan-x86_64.so)
[ -e "$runtime" ] || {
    echo "run_with_asan.sh: error: clang's AddressSanitizer is missing;" \
        "apt-get install libclang-rt-dev" >&2
    exit 1
}
IA2_TEST_FLAGS="-fsanitize=address -shared-libasan"
LD_LIBRARY_PATH=$(dirname "$runtime")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# The runtime handles the faults. ASan's leak check would look for blocks of another allocator.
ASAN_OPTIONS=detect_leaks=0
ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0
ASAN_OPTIONS=$ASAN_OPTIONS:handle_abort=0:use_sigaltstack=0:detect_stack_use_after_return=0
PYTHONPATH="$source/kit:$source${PYTHONPATH:+:$PYTHONPATH}"
IA2_PKU=none
export IA2_SOURCE IA2_BUILD IA2_TEST_FLAGS LD_LIBRARY_PATH ASAN_OPTIONS PYTHONPATH IA2_PKU
# test_rewritten is left out: the engine compiles its programs, with the project's own flags.
[ $# -gt 0 ] || set -- $(ls "$source"/tests/runtime/exit/test_*.py | grep -v /test_rewritten.py)
failed=0
for module; do
    name=$(basename "$module" .py)
    IA2_TEST_OUT=$IA2_BUILD/tests/asan/$name
    export IA2_TEST_OUT
    mkdir -p "$IA2_TEST_OUT"
    echo "$name"
    (cd "$IA2_TEST_OUT" &&
        timeout 600 /usr/bin/python3 "$source/tests/runtime/exit/build_and_run.py" \
            "$source/tests/runtime/exit/$name.py") || failed=1
done
exit $failed
