"""Packs photos and holes for training where neither the photos' folder nor inpaint_tf is at hand.

    PYTHONPATH=. python experiments/campaign_3/pack_data.py PHOTO_LIST OUTPUT_FOLDER

Photos become WebP (quality 82), in files of at most PART bytes, photos_0.bin, photos_1.bin, ..., each an .npz of names,
lengths and bytes; holes are drawn from the mix of `inpaint_tf.masks.mixed` and packed to bits, with the corners of the
boxes around them.
"""

import pathlib
import sys

import cv2
import numpy as np

from inpaint_tf.masks.mixed import mixed_mask

QUALITY, PART, HOLES, SIZE = 82, 22_500_000, 8_192, 256
# So many of the 1,492 photos of houses, which are more alike than others.
HOUSES = 120


def pack_photos(names, output):
    part, number, size = [], 0, 0
    order = np.random.default_rng(3).permutation(len(names))
    houses = [index for index in order if pathlib.Path(names[index]).name.startswith("houses")]
    order = [index for index in order if index not in set(houses[HOUSES:])]

    def write():
        lengths = np.array([len(content) for _, content in part])
        joined = np.frombuffer(b"".join(content for _, content in part), np.uint8)
        np.savez(output / f"photos_{number}.npz", names=np.array([n for n, _ in part]), lengths=lengths, bytes=joined)

    for index in order:
        _, encoded = cv2.imencode(".webp", cv2.imread(names[index]), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        if size + encoded.size > PART:
            write()
            part, number, size = [], number + 1, 0
        part.append((pathlib.Path(names[index]).name, encoded.tobytes()))
        size += encoded.size
    write()


def pack_holes(output):
    random = np.random.default_rng(17)
    masks = np.stack([mixed_mask(SIZE, random) for _ in range(HOLES)])
    corners = np.array([np.argwhere(mask).mean(axis=0) - SIZE / 4 for mask in masks])
    corners = np.clip(np.round(corners), 0, SIZE - SIZE // 2).astype(np.int32)
    np.savez_compressed(output / "holes.npz", bits=np.packbits(masks.reshape(HOLES, -1), axis=1), corners=corners)


def main(photo_list, output):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    pack_holes(output)
    pack_photos(pathlib.Path(photo_list).read_text().split("\n")[:-1], output)


if __name__ == "__main__":
    main(*sys.argv[1:])
