#!/bin/sh
# write_libc_names.sh OUTPUT LDFLAGS...: a line IA2_LIBC_NAME(NAME) for each --wrap=NAME.
set -eu
output=$1
shift
sed -n 's/^-Wl,--wrap=\(.*\)$/IA2_LIBC_NAME(\1)/p' "$@" >"$output"
