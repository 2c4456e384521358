#!/bin/sh
# Usage: experiments/glcic_toy/run.sh PHOTOS RUN_DIR
set -e
here=$(dirname "$0")
python -m inpaint_tf train --flagfile="$here/../../flags/glcic_toy.flags" --train_data="$1" --run_dir="$2"
python "$here/plot.py" "$2/metrics.jsonl" "$here/curves.png"
cp "$2/metrics.jsonl" "$here/metrics.jsonl"
cp "$(ls "$2"/samples/*.png | head -1)" "$here/samples_first.png"
cp "$(ls "$2"/samples/*.png | tail -1)" "$here/samples_last.png"
