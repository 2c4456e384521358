#!/bin/sh
# Usage: experiments/toy_convergence/run.sh PHOTOS VALIDATION_PHOTOS RUN_DIR
set -e
cd "$(dirname "$0")/../.."
here=experiments/toy_convergence
python -m inpaint_tf train --flagfile="$here/toy.flags" --train_data="$1" --validation_images="$2" --run_dir="$3"
PYTHONPATH=. python experiments/draw_runs.py --runs="run=$3" --terms=l1,known,critic_loss,penalty --output="$here/curves.png"
cp "$3/metrics.jsonl" "$here/metrics.jsonl"
cp "$(ls "$3"/samples/*.png | head -1)" "$here/samples_first.png"
cp "$(ls "$3"/samples/*.png | tail -1)" "$here/samples_last.png"
