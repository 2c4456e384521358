#!/bin/sh
# Time and memory by photo size (one hole) and by hole size (one photo). About half an hour on two idle cores.
set -e
output=${1:?usage: run.sh OUTPUT_FOLDER}
inpaint-tf benchmark inference --output="$output/photo_size" --forms=planned,literal --holes=128 \
    --sizes=256x256,512x512,1024x1024,1920x1080,2048x2048,3840x2160
inpaint-tf benchmark inference --output="$output/hole_size" --forms=planned,literal --sizes=1024x1024 \
    --holes=16,64,128,256,512,768
inpaint-tf benchmark inference --output="$output/targets" --forms=planned,literal --sizes=256x256 --holes=half
inpaint-tf benchmark inference --output="$output/targets" --forms=planned,literal --sizes=512x512 --holes=128,256
inpaint-tf benchmark inference --output="$output/targets" --forms=planned,literal --sizes=1024x1024 --holes=512
inpaint-tf benchmark inference --output="$output/targets" --forms=planned,literal --sizes=1920x1080 --holes=256,strokes
inpaint-tf benchmark inference --output="$output/targets" --forms=planned --sizes=3840x2160 --holes=512
