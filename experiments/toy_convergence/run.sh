#!/usr/bin/env bash
# Usage: experiments/toy_convergence/run.sh PHOTOS VALIDATION_PHOTOS RUN_DIR
# Stops once, at the first checkpoint, to draw samples, and resumes.
set -euo pipefail
photos=$(realpath -m "$1") validation=$(realpath -m "$2") run_dir=$(realpath -m "$3")
cd "$(dirname "$0")/../.."
here=experiments/toy_convergence
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
train=("$python" -m inpaint_tf train --flagfile=$here/toy.flags --train_data="$photos"
    --validation_images="$validation" --run_dir="$run_dir")
"${train[@]}" &
until [ -d "$run_dir/preset" ]; do kill -0 $!; sleep 0.2; done
kill -TERM $!
wait
"$python" experiments/draw_samples.py --preset="$run_dir/preset" --side=64 --output=$here/samples_first.png
"${train[@]}"
"$python" experiments/draw_samples.py --preset="$run_dir/preset" --side=64 --output=$here/samples_last.png
"$python" experiments/draw_runs.py --runs="run=$run_dir" --terms=l1,known,critic_loss,penalty \
    --output=$here/curves.png
cp "$run_dir/metrics.jsonl" $here/metrics.jsonl
