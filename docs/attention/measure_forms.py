"""Time and memory of the four forms of contextual attention; prints the table of inpaint_tf/attention/README.md.

    python docs/attention/measure_forms.py [--width=32] [--repeats=7]

Every form and size runs in a process of its own: features of 4 x width channels at a quarter of the photo's size, a
square hole in the middle. Time is the fastest of the repeats after one warm-up, in milliseconds; memory is what the
process's peak rises by, in MiB, from before the first call. The literal and the fast form are not run on the largest
photo, where a single score matrix takes 3.9 GiB.
"""

import argparse
import resource
import subprocess
import sys
import time

# Height, width and side of the hole, in pixels.
PHOTOS = (256, 256, 128), (512, 512, 256), (1080, 1920, 256)
FORMS = "literal", "fast", "in_graph", "tiled"
# Pixels from a pixel of the hole to the farthest feature that DeepFill's decoder reads for it.
REACH = 26


def prepared(form, height, width, side, channels):
    """A function without arguments that runs a form once."""
    import numpy as np
    import tensorflow as tf

    from inpaint_tf.attention import ContextualAttention
    from inpaint_tf.attention.in_graph import tiled_attention, wanted_positions
    from inpaint_tf.attention.tiled.layout import plan_attention
    from inpaint_tf.attention.tiled.run import TiledAttention

    size = height // 4, width // 4
    features = tf.random.stateless_normal((1, *size, channels), seed=(0, 1))
    hole = np.zeros((height, width), bool)
    top, left = (height - side) // 2, (width - side) // 2
    hole[top : top + side, left : left + side] = True
    mask = tf.constant(hole[np.newaxis, ::4, ::4, np.newaxis].astype(np.float32))
    if form in ("literal", "fast"):
        layer = ContextualAttention(form=form)
        run = tf.function(lambda: layer(features, hole_mask=mask))
        return lambda: [part.numpy() for part in run()]
    pixels = tf.constant(hole[np.newaxis, ..., np.newaxis].astype(np.float32))
    wanted = wanted_positions(pixels, REACH)[0]
    if form == "in_graph":
        run = tf.function(lambda: tiled_attention(features[0], mask[0], wanted, 10.0))
        return lambda: [part.numpy() for part in run()]
    attention = TiledAttention(ContextualAttention())
    fine = np.repeat(np.repeat(wanted.numpy(), 2, axis=0), 2, axis=1)

    def run_tiled():
        attention(lambda: features[0], plan_attention(hole, size, channels, fine, 832 << 20))

    return run_tiled


def measure(form, photo, channels, repeats):
    """Milliseconds and MiB of one form on one photo."""
    run = prepared(form, *photo, channels)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1000 * min(times[1:]), (peak - before) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs=2, metavar=("FORM", "PHOTO"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        form, photo = options.only[0], PHOTOS[int(options.only[1])]
        print("{:.0f} ms, {:.0f} MiB".format(*measure(form, photo, 4 * options.width, options.repeats)))
        return
    print("| form |", " | ".join(f"{width}x{height}, hole {side}x{side}" for height, width, side in PHOTOS), "|")
    print("|---|" + "---|" * len(PHOTOS))
    for form in FORMS:
        cells = []
        for index in range(len(PHOTOS)):
            if index == 2 and form in ("literal", "fast"):
                cells.append("not run")
                continue
            command = [sys.executable, __file__, "--only", form, str(index)]
            command += [f"--width={options.width}", f"--repeats={options.repeats}"]
            cells.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        print(f"| `{form}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
