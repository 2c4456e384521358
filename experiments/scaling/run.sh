#!/bin/sh
# Time and memory of one photo: the targets, then by photo size and by hole size. About 25 minutes on two idle cores,
# most of it for the literal form at 1920x1080 and 1024x1024.
set -e
output=${1:?usage: run.sh OUTPUT_FOLDER}
measure() {
    folder=$1
    shift
    inpaint-tf benchmark inference --output="$output/$folder" "$@"
}
measure targets --sizes=256x256 --holes=half --runs=9
measure targets --sizes=512x512 --holes=128,256
measure targets --sizes=1024x1024 --holes=512 --runs=2
measure targets --sizes=1920x1080 --holes=strokes --runs=2
measure targets --forms=planned --sizes=1920x1080 --holes=256 --runs=3
measure targets --forms=planned --sizes=3840x2160 --holes=512 --runs=2
measure preset --preset=photos_small --sizes=1024x1024 --holes=512 --runs=1
measure preset --preset=photos_small --forms=planned --sizes=3840x2160 --holes=512 --runs=2
measure photo_size --sizes=256x256,512x512,1024x1024 --holes=128 --runs=2
measure photo_size --forms=planned --sizes=2048x2048,4096x4096 --holes=128 --runs=2
measure hole_size --forms=planned --sizes=1024x1024 --holes=16,64,128,256,512,768 --runs=3
measure precision --forms=planned --sizes=512x512 --holes=128,256 --precisions=bfloat16
measure large --forms=planned --sizes=8192x6144 --holes=256 --runs=1
# The plot of a call shows its own rows; this one shows those of both.
"${PYTHON:-python}" - "$output/photo_size" <<'DRAW'
import json
import pathlib
import sys

from inpaint_tf.benchmark.plot import scaling_plot
from inpaint_tf.data.image_files import write_image

folder = pathlib.Path(sys.argv[1])
rows = [json.loads(line) for line in (folder / "inference.jsonl").read_text().splitlines()]
write_image(folder / "inference.png", scaling_plot(rows))
DRAW
