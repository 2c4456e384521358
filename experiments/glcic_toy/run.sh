#!/usr/bin/env bash
# Usage: experiments/glcic_toy/run.sh PHOTOS RUN_DIR
set -euo pipefail
photos=$(realpath -m "$1") run_dir=$(realpath -m "$2")
cd "$(dirname "$0")/../.."
here=experiments/glcic_toy
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
"$python" -m inpaint_tf train --flagfile=flags/glcic_toy.flags --train_data="$photos" --run_dir="$run_dir"
"$python" experiments/draw_runs.py --runs="run=$run_dir" --terms=l2,critic_loss,generator_adversarial \
    --output=$here/curves.png
cp "$run_dir/metrics.jsonl" $here/metrics.jsonl
