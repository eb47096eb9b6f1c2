#!/bin/sh
# rename_jemalloc.sh OBJCOPY NAMES INPUT OUTPUT: the C part of jemalloc as one object under other names.
#
# Every compartment has its own copy of this code, and the kernel maps the pages around each one touched. So what runs at every
# allocation comes first and what runs never or once (statistics, profiling, mallctl) last.
set -eu
objcopy=$1 names=$2 input=$3 output=$4
work=$output.d
rm -rf "$work"
mkdir "$work"
(cd "$work" && ar x "$input" && rm -f jemalloc_cpp.pic.o)       # operator new: needs libstdc++
cold="stats prof prof_data prof_log prof_recent prof_stats prof_sys ckh hpa hpa_hooks hpdata psset sec inspect test_hooks
log malloc_io buf_writer fxp counter peak_event background_thread witness hook safety_check san_bump ctl"
last=
for name in $cold; do
    if [ -f "$work/$name.pic.o" ]; then
        last="$last $work/$name.pic.o"
        mv "$work/$name.pic.o" "$work/$name.cold"
    fi
done
# shellcheck disable=SC2086
ld -r -o "$work/all.o" "$work"/*.pic.o $(for o in $last; do echo "${o%.pic.o}.cold"; done)
"$objcopy" --redefine-syms="$names" --strip-debug "$work/all.o" "$work/jemalloc.o"
rm -f "$output"
ar rcs "$output" "$work/jemalloc.o"
rm -rf "$work"
