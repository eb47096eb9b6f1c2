#!/bin/sh
# check_two_keys_symbols.sh --target PROGRAM: calls across go through gates: nobody imports or exports the function itself.
# The part "symbols" of scripts/audit.
[ "$1" = --target ] && [ $# -eq 2 ] || { echo "usage: $0 --target PROGRAM" >&2; exit 2; }
exec "$(dirname "$(readlink -f "$0")")/audit" --only symbols "$2"
