#!/bin/sh
# Usage: experiments/glcic_toy/run.sh PHOTOS RUN_DIR
set -e
cd "$(dirname "$0")/../.."
here=experiments/glcic_toy
python -m inpaint_tf train --flagfile="flags/glcic_toy.flags" --train_data="$1" --run_dir="$2"
PYTHONPATH=. python experiments/draw_runs.py --runs="run=$2" --terms=l2,critic_loss,generator_adversarial --output="$here/curves.png"
cp "$2/metrics.jsonl" "$here/metrics.jsonl"
