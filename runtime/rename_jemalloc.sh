#!/bin/sh
# rename_jemalloc.sh OBJCOPY NAMES INPUT OUTPUT: the C part of an allocator archive under other names.
set -eu
"$1" --redefine-syms="$2" --strip-debug "$3" "$4.new"
ar d "$4.new" jemalloc_cpp.pic.o        # operator new: needs libstdc++
mv "$4.new" "$4"
