#!/bin/sh
# check_two_keys_ldd.sh --target PROGRAM: checks that the loader finds each compartment, and
# finds its padded file first. This is the part "loader" of scripts/audit.
[ "$1" = --target ] && [ $# -eq 2 ] || { echo "usage: $0 --target PROGRAM" >&2; exit 2; }
exec "$(dirname "$(readlink -f "$0")")/audit" --only loader "$2"
