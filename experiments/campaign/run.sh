#!/usr/bin/env bash
# The campaign, from photos to measured presets; the same command again resumes where it stopped:
#   experiments/campaign/run.sh PHOTOS_FOLDER KODAK_FOLDER OUTPUT_FOLDER FIRST_PRESET
# FIRST_PRESET is what experiments/first_weights made.
# Names of photos begin with their collection; elementary* and deepin* are the openly licensed ones.
set -euo pipefail
photos=$(realpath "$1") kodak=$(realpath "$2") output=$(realpath -m "$3") first=$(realpath "$4")
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
flags=experiments/campaign/flags
mkdir -p "$output"
find "$photos" -name 'elementary*' -o -name 'deepin*' | sort > "$output/open.txt"

train() { # NAME FLAG...
    "$python" -m inpaint_tf train --run_dir="$output/$1" --validation_images="$kodak" "${@:2}"
}

# The same budget for three models, on open photos.
methods=telea,patchmatch
for pair in full=deepfill_v1 gated=deepfill_v2 baseline=deepfill_v1_baseline; do
    name=${pair%=*} model=${pair#*=}
    train "${name}_128" --flagfile=$flags/first_half.flags --model="$model" --train_data="$output/open.txt"
    train "${name}_256" --flagfile=$flags/second_half.flags --model="$model" --train_data="$output/open.txt" \
        --initial_preset="$output/${name}_128/preset"
    methods=$methods,preset:$output/${name}_256/preset
done

# The single stage and GLCIC's first phase, at that budget too.
for size in 128 256; do
    start=$([ $size = 256 ] && echo "--initial_preset=$output/single_128/preset" || true)
    half=$([ $size = 128 ] && echo first || echo second)
    train single_$size --flagfile=$flags/${half}_half.flags --model=deepfill_v1_single_stage --coarse_weight=1.2 \
        --train_data="$output/open.txt" $start
    start=$([ $size = 256 ] && echo "--initial_preset=$output/glcic_128/preset --batch_size=4 --max_steps=700 --pretrain_coarse_steps=700" || true)
    train glcic_$size --flagfile=$flags/glcic.flags --image_size=$size --train_data="$output/open.txt" $start
done
methods=$methods,preset:$output/single_256/preset,preset:$output/glcic_256/preset

# photos_small, on all photos.
train photos --flagfile=$flags/photos.flags --train_data="$photos" --initial_preset="$first"
methods=$methods,preset:$output/photos/preset

for protocol in kodak24_center128 free_form; do
    "$python" -m inpaint_tf evaluate --protocol=$protocol --images="$kodak" --methods="$methods" \
        --output="$output/$protocol"
done
