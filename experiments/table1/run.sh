#!/usr/bin/env bash
# Table 1 on Kodak24: experiments/table1/run.sh KODAK_FOLDER OUTPUT_FOLDER [FULL_PRESET BASELINE_PRESET]
# Run again with other presets and the same output, and only those are computed.
set -euo pipefail
kodak=$(realpath -m "$1") output=$(realpath -m "$2")
# A preset is a folder or the name of one that ships.
preset() { if [ -d "$1" ]; then realpath "$1"; else echo "$1"; fi; }
full=$(preset "${3:-open_small}") baseline=$(preset "${4:-open_small_baseline}")
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
"$python" -m inpaint_tf evaluate --protocol=kodak24_center128 --images="$kodak" --output="$output" \
    --methods="mean,telea,ns,biharmonic,patchmatch,preset:$baseline,preset:$full,preset:photos_small,preset:photos_small+poisson,preset:photos_small+patches,preset:photos,preset:photos+poisson,preset:photos+patches" --feature_network=hed
"$python" experiments/table1/compare.py --results="$output" \
    --rows="PatchMatch=patchmatch,baseline model=preset:$baseline,full model=preset:$full"
