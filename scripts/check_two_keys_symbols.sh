#!/bin/sh
# check_two_keys_symbols.sh --target PROGRAM: checks that calls between compartments go through
# gates: no compartment imports or exports the function itself. This is the part "symbols" of
# scripts/audit.
[ "$1" = --target ] && [ $# -eq 2 ] || { echo "usage: $0 --target PROGRAM" >&2; exit 2; }
exec "$(dirname "$(readlink -f "$0")")/audit" --only symbols "$2"
