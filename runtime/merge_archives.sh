#!/bin/sh
# merge_archives.sh OUTPUT ARCHIVE...: one archive with the members of all.
set -eu
output=$1
shift
rm -f "$output" "$output.new"
{
    echo "create $output.new"
    for archive; do
        echo "addlib $archive"
    done
    echo save
    echo end
} | ar -M
mv "$output.new" "$output"
