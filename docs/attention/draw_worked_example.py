"""Draws the worked example of inpaint_tf/attention/README.md: contextual attention on a grid of 4 x 6 positions.

    python docs/attention/draw_worked_example.py [--output=docs/attention/worked_example.png]

Needs matplotlib (`pip install .[evaluation]`). Everything that is drawn is what `ContextualAttention` computes; the
weights are checked against its offsets before anything is written.
"""

import argparse
import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.patches import FancyArrowPatch, Rectangle

from inpaint_tf.attention import ContextualAttention
from inpaint_tf.attention.fast import patch_norms, patch_products, propagate_columns, propagate_rows, valid_patches
from inpaint_tf.layers.resize import resize_nearest_align_corners

GRID = HEIGHT, WIDTH = 4, 6
HOLE = {(1, 2), (1, 3), (2, 2), (2, 3)}
QUERY = 8  # Row 1, column 2.
# Size of the features. The larger, the more weight goes to the strongest key.
SCALE = 0.03
INK, QUERY_COLOUR, KEY_COLOUR = "#222222", "#d62728", "#1f4e9c"


def scene():
    """float32 [1, 8, 12, 3] features whose pattern repeats after three positions, and the mask [1, 8, 12, 1].

    Inside the hole stands a guess: the pattern, pale, as a coarse network leaves it.
    """
    rng = np.random.default_rng(12)
    cells = np.tile(rng.uniform(-1, 1, (HEIGHT, 3, 3)), (1, 2, 1))
    pixels = cells.repeat(2, axis=0).repeat(2, axis=1) + rng.normal(scale=0.08, size=(8, 12, 3))
    mask = np.zeros((8, 12, 1))
    for y, x in HOLE:
        mask[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] = 1
    pixels = np.clip(np.where(mask > 0, 0.35 * pixels, pixels), -1, 1)
    return SCALE * pixels[np.newaxis].astype(np.float32), mask[np.newaxis].astype(np.float32)


def attention(features, mask):
    """Validity [24], weights [24, 24] and what is pasted, [8, 12, 3]."""
    half = resize_nearest_align_corners(tf.constant(features), *GRID)
    valid = valid_patches(tf.constant(mask), GRID, 3)[0, 0].numpy()
    scores = patch_products(half, half, 3) / patch_norms(half, 3)
    scores = propagate_columns(propagate_rows(scores, 3), WIDTH, WIDTH, 3)[0].numpy()
    weights = tf.nn.softmax(scores * valid * 10.0).numpy() * valid
    pasted, offsets = ContextualAttention()(features, hole_mask=mask)
    best = offsets[0].numpy() @ [WIDTH, 1]
    if not np.array_equal(best.reshape(-1), weights.argmax(axis=1)):
        raise AssertionError("the example's weights are not the layer's")
    return valid > 0, weights, pasted[0].numpy()


def colours(pixels):
    return np.clip((pixels / SCALE + 1) / 2, 0, 1)


def grid_axes(axes, title, image=None):
    """Axes of 4 x 6 unit squares with their flat positions, over an image of 8 x 12 pixels if there is one."""
    axes.set(xlim=(-0.12, WIDTH + 0.12), ylim=(HEIGHT + 0.12, -0.12), aspect="equal", xticks=[], yticks=[])
    axes.set_title(title, fontsize=13, color=INK, loc="left")
    axes.set_frame_on(False)
    if image is not None:
        axes.imshow(image, extent=(0, WIDTH, HEIGHT, 0), interpolation="nearest")
    for y in range(HEIGHT):
        for x in range(WIDTH):
            axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor="white" if image is not None else "#999999"))


def number(axes, position, text=None, colour=INK, **style):
    y, x = divmod(position, WIDTH)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    axes.text(x + 0.5, y + 0.5, text or str(position), ha="center", va="center", color=colour, bbox=box, **style)


def outline(axes, top, left, height, width, colour, **style):
    box = Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=2.5, **style)
    axes.add_patch(box)


def arrow(axes, begin, end, colour, bend=0.0):
    """From the centre of one flat position to that of another; positions may be (y, x) too."""
    (y, x), (y_end, x_end) = (divmod(p, WIDTH) if isinstance(p, int) else p for p in (begin, end))
    axes.add_patch(
        FancyArrowPatch(
            (x + 0.5, y + 0.5), (x_end + 0.5, y_end + 0.5), arrowstyle="-|>", mutation_scale=14, color=colour,
            connectionstyle=f"arc3,rad={bend}", linewidth=1.6, shrinkA=9, shrinkB=9, zorder=5,
        )
    )  # fmt: skip


def draw(path):
    features, mask = scene()
    valid, weights, pasted = attention(features, mask)
    best = int(weights[QUERY].argmax())
    photo = colours(features[0])
    figure, panels = plt.subplots(2, 3, figsize=(15, 7.6), layout="constrained")

    axes = panels[0, 0]
    grid_axes(axes, "1  24 positions of 2 x 2 features; in the hole, a guess", photo)
    for position in range(24):
        number(axes, position)
    outline(axes, 1, 2, 2, 2, INK)

    axes = panels[0, 1]
    grid_axes(axes, "2  valid keys: no hole in their 3 x 3 patch", photo)
    for position in range(24):
        if valid[position]:
            number(axes, position, colour=KEY_COLOUR, weight="bold")
        else:
            y, x = divmod(position, WIDTH)
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor="white", alpha=0.6, edgecolor="#888888", hatch="///"))
    outline(axes, 1, 2, 2, 2, INK)

    axes = panels[0, 2]
    grid_axes(axes, f"3  matching: query {QUERY} with key {best}, nine products", photo)
    outline(axes, 0, 1, 3, 3, QUERY_COLOUR)
    y, x = divmod(best, WIDTH)
    outline(axes, y - 1, x - 1, 3, 3, KEY_COLOUR, clip_on=False)
    axes.set_xlim(-0.12, WIDTH + 1.12)
    axes.add_patch(Rectangle((WIDTH, 0), 1, 3, facecolor="#eeeeee", edgecolor="#999999", hatch="..."))
    axes.text(WIDTH + 0.5, 3.2, "zeros", ha="center", va="top", color=INK)
    for step in range(-1, 2):
        arrow(axes, (1 + step, 2 + step), (y + step, x + step), INK, bend=-0.15)
    number(axes, QUERY, colour=QUERY_COLOUR, weight="bold")
    number(axes, best, colour=KEY_COLOUR, weight="bold")

    axes = panels[1, 0]
    grid_axes(axes, "4  propagation: next and previous, red first, then blue")
    for position in range(24):
        number(axes, position)
    for begin, end in ((QUERY, QUERY + 1), (QUERY, QUERY - 1), (11, 12)):
        arrow(axes, begin, end, QUERY_COLOUR, bend=0.0 if end != 12 else 0.12)
    for begin, end in ((QUERY, QUERY + 6), (QUERY, QUERY - 6), (22, 5)):
        arrow(axes, begin, end, KEY_COLOUR, bend=0.0 if end != 5 else -0.12)

    axes = panels[1, 1]
    grid_axes(axes, f"5  softmax: weights of query {QUERY}, in percent")
    axes.imshow(weights[QUERY].reshape(GRID), extent=(0, WIDTH, HEIGHT, 0), cmap="Blues", vmin=0, vmax=1, zorder=0)
    for position in np.flatnonzero(weights[QUERY] > 0):
        number(axes, int(position), f"{100 * weights[QUERY, position]:.0f}", weight="bold")

    axes = panels[1, 2]
    hole = np.array(mask[0] > 0)
    grid_axes(axes, "6  pasting: the mean of four overlapping patches", colours(np.where(hole, pasted, features[0])))
    for y, x in sorted(HOLE):
        position = y * WIDTH + x
        arrow(axes, int(weights[position].argmax()), position, INK, bend=0.2)
    outline(axes, 1, 2, 2, 2, INK)

    figure.savefig(path, dpi=80, metadata={"Software": None})
    print(f"valid keys: {', '.join(map(str, np.flatnonzero(valid)))}")
    for position in sorted(y * WIDTH + x for y, x in HOLE):
        strongest = [int(key) for key in np.argsort(-weights[position])[:3]]
        shares = ", ".join(f"key {key} {weights[position, key]:.1%}" for key in strongest)
        print(f"query {position}: {shares}; masked keys {1 - weights[position].sum():.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default=str(pathlib.Path(__file__).parent / "worked_example.png"))
    draw(parser.parse_args().output)
