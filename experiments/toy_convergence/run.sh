#!/bin/bash
# Usage: experiments/toy_convergence/run.sh PHOTOS VALIDATION_PHOTOS RUN_DIR
# Stops once, at the first checkpoint, to draw samples, and goes on.
set -e
cd "$(dirname "$0")/../.."
here=experiments/toy_convergence
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
train=(python -m inpaint_tf train --flagfile=$here/toy.flags --train_data="$1" --validation_images="$2" --run_dir="$3")
"${train[@]}" &
until [ -d "$3/preset" ]; do kill -0 $!; sleep 0.2; done
kill -TERM $!
wait
python experiments/draw_samples.py --preset="$3/preset" --side=64 --output=$here/samples_first.png
"${train[@]}"
python experiments/draw_samples.py --preset="$3/preset" --side=64 --output=$here/samples_last.png
python experiments/draw_runs.py --runs="run=$3" --terms=l1,known,critic_loss,penalty --output=$here/curves.png
cp "$3/metrics.jsonl" $here/metrics.jsonl
