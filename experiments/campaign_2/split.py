"""Takes eight photos of every collection out for choosing, so that Kodak's are for reporting alone.

    python experiments/campaign_2/split.py PHOTOS_FOLDER OUTPUT_FOLDER

Writes OUTPUT_FOLDER/train.txt and links into OUTPUT_FOLDER/validation. A photo's collection is its name up to "_".
"""

import collections
import pathlib
import random
import sys

SEED, OF_EACH = 17, 8


def main(photos, output):
    photos, output = pathlib.Path(photos).resolve(), pathlib.Path(output)
    collections_of = collections.defaultdict(list)
    for path in sorted(photos.iterdir()):
        collections_of[path.name.split("_")[0]].append(path)
    chooser = random.Random(SEED)
    chosen = {path for _, paths in sorted(collections_of.items()) for path in chooser.sample(paths, OF_EACH)}
    (output / "validation").mkdir(parents=True, exist_ok=True)
    for path in chosen:
        link = output / "validation" / path.name
        if not link.is_symlink():
            link.symlink_to(path)
    kept = [str(path) for paths in collections_of.values() for path in paths if path not in chosen]
    (output / "train.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
