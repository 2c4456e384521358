"""Draws a run's metrics.jsonl: python experiments/toy_convergence/plot.py RUN/metrics.jsonl curves.png"""

import json
import sys

import cv2
import numpy as np

WIDTH, HEIGHT, MARGIN = 460, 300, 46
PANELS = (("reconstruction loss", ("l1", "known")), ("critic and penalty", ("critic_loss", "penalty")))
COLOURS = ((180, 60, 20), (20, 120, 220))


def panel(title, names, lines):
    """uint8 [HEIGHT, WIDTH, 3] BGR: the terms over the steps."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    series = {name: [(line["step"], line[name]) for line in lines if name in line] for name in names}
    points = np.array([point for one in series.values() for point in one], float)
    (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
    low = min(low, 0.0)

    def place(step, value):
        x = MARGIN + (step - left) / max(right - left, 1) * (WIDTH - MARGIN - 12)
        y = HEIGHT - 28 - (value - low) / max(high - low, 1e-9) * (HEIGHT - 28 - 40)
        return round(x), round(y)

    def write(text, x, y, colour=(0, 0, 0)):
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)

    for value in np.linspace(low, high, 5):
        x, y = place(left, value)
        cv2.line(picture, (MARGIN, y), (WIDTH - 12, y), (225, 225, 225), 1)
        write(f"{value:.2f}", 4, y + 4)
    write(title, MARGIN, 16)
    write(f"step {left:.0f} to {right:.0f}", MARGIN, HEIGHT - 8)
    for index, (name, one) in enumerate(series.items()):
        cv2.polylines(picture, [np.array([place(*point) for point in one])], False, COLOURS[index], 2, cv2.LINE_AA)
        write(name, MARGIN + 130 * index, 32, COLOURS[index])
    return picture


def main(metrics, output):
    with open(metrics, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    cv2.imwrite(output, np.hstack([panel(title, names, lines) for title, names in PANELS]))


if __name__ == "__main__":
    main(*sys.argv[1:])
