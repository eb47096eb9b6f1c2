#!/bin/sh
# rename_jemalloc.sh OBJCOPY NAMES INPUT OUTPUT: makes one object of the C part of jemalloc, under
# other names.
#
# Every compartment has its own copy of this code, and the kernel maps the pages around each page
# touched. Code that runs therefore comes first. Code that never runs (statistics, profiling,
# mallctl) comes last, and jemalloc's start-up does not call it. ([m] This saves a quarter of a MiB
# of resident code per compartment.)
set -eu
objcopy=$1 names=$2 input=$3 output=$4
work=$output.d
rm -rf "$work"
mkdir "$work"
(cd "$work" && ar x "$input" && rm -f jemalloc_cpp.pic.o)       # operator new: needs libstdc++
for boot in prof_boot0 prof_boot1 prof_boot2 stats_boot ctl_boot; do
    "$objcopy" --redefine-sym je_$boot=ia2_heap_no_$boot "$work/jemalloc.pic.o"
done
cold=
for name in stats prof prof_data prof_log prof_recent prof_stats prof_sys ckh hpa hpa_hooks hpdata \
        psset sec inspect log buf_writer fxp ctl; do
    if [ -f "$work/$name.pic.o" ]; then
        mv "$work/$name.pic.o" "$work/$name.cold"
        cold="$cold $work/$name.cold"
    fi
done
# shellcheck disable=SC2086
ld -r -o "$work/all.o" "$work"/*.pic.o $cold
"$objcopy" --redefine-syms="$names" --strip-debug "$work/all.o" "$work/jemalloc.o"
rm -f "$output"
ar rcs "$output" "$work/jemalloc.o"
rm -rf "$work"
