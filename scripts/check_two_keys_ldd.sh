#!/bin/sh
# check_two_keys_ldd.sh --target PROGRAM: the loader finds each compartment, and its padded file first.
# The part "loader" of scripts/audit.
[ "$1" = --target ] && [ $# -eq 2 ] || { echo "usage: $0 --target PROGRAM" >&2; exit 2; }
exec "$(dirname "$(readlink -f "$0")")/audit" --only loader "$2"
