#!/usr/bin/env bash
# Trains every variant and measures them together:
#   experiments/ablation/run.sh TRAIN_DATA VALIDATION_IMAGES OUTPUT_FOLDER [TRAIN_FLAG ...]
# Further flags go to every training, for example --max_steps=20000 --width=16. Run again, it resumes where it stopped.
set -euo pipefail
train_data=$(realpath -m "$1") images=$(realpath -m "$2") output=$(realpath -m "$3")
shift 3
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
methods=""
for flag_file in experiments/ablation/flags/*.flags; do
    run_dir=$output/$(basename "$flag_file" .flags)
    "$python" -m inpaint_tf train --flagfile="$flag_file" --train_data="$train_data" --run_dir="$run_dir" "$@"
    methods=$methods,preset:$run_dir/preset
done
"$python" -m inpaint_tf evaluate --protocol=paper_random_box --images="$images" --methods="${methods#,}" \
    --output="$output/evaluation"
