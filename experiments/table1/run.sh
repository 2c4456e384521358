#!/usr/bin/env bash
# Table 1 on Kodak24: experiments/table1/run.sh KODAK_FOLDER OUTPUT_FOLDER [PRESET [BASELINE_PRESET]]
# Run again with another preset and the same output, and only that preset is computed.
set -euo pipefail
kodak=$1 output=$2 preset=${3:-photos_small} baseline=${4:-}
methods="mean,telea,ns,biharmonic,patchmatch,preset:$preset"
rows="PatchMatch=patchmatch,full model=preset:$preset"
if [ -n "$baseline" ]; then
    methods="$methods,preset:$baseline"
    rows="$rows,baseline model=preset:$baseline"
fi
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
"$python" -m inpaint_tf evaluate --protocol=kodak24_center128 --images="$kodak" --methods="$methods" --output="$output"
"$python" experiments/table1/compare.py --results="$output" --rows="$rows"
