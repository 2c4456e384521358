#!/bin/sh
# Usage: experiments/toy_convergence/run.sh PHOTOS VALIDATION_PHOTOS RUN_DIR
set -e
here=$(dirname "$0")
python -m inpaint_tf train --flagfile="$here/toy.flags" --train_data="$1" --validation_images="$2" --run_dir="$3"
python "$here/plot.py" "$3/metrics.jsonl" "$here/curves.png"
cp "$3/metrics.jsonl" "$here/metrics.jsonl"
cp "$(ls "$3"/samples/*.png | head -1)" "$here/samples_first.png"
cp "$(ls "$3"/samples/*.png | tail -1)" "$here/samples_last.png"
