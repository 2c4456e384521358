"""Draws a GLCIC run's metrics.jsonl: python experiments/glcic_toy/plot.py RUN/metrics.jsonl curves.png"""

import json
import sys

import cv2
import numpy as np

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 280, 50, 30, 26
PANELS = (
    ("squared error of the hole, on [0, 1]", "l2", (180, 60, 20)),
    ("discriminators, cross-entropy (2 log 2 = 1.39: blind)", "critic_loss", (20, 120, 220)),
)
PHASES = {"reconstruction": 245, "critic_only": 215, "joint": 255}


def panel(title, name, colour, lines):
    """uint8 [HEIGHT, WIDTH, 3] BGR: one term over the steps, phases shaded."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    last, high = lines[-1]["step"], max(line[name] for line in lines if name in line)

    def place(step, value):
        x = LEFT + step / last * (WIDTH - LEFT - 10)
        return round(x), round(HEIGHT - BOTTOM - value / high * (HEIGHT - BOTTOM - TOP))

    def write(text, x, y):
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)

    before = 0
    for line in lines:
        corners = place(before, high), place(line["step"], 0)
        cv2.rectangle(picture, *corners, [PHASES[line["phase"]]] * 3, -1)
        before = line["step"]
    for value in np.linspace(0, high, 5):
        y = place(0, value)[1]
        cv2.line(picture, (LEFT, y), (WIDTH - 10, y), (225, 225, 225), 1)
        write(f"{value:.3f}", 4, y + 4)
    points = [place(line["step"], line[name]) for line in lines if name in line]
    cv2.polylines(picture, [np.array(points)], False, colour, 2, cv2.LINE_AA)
    write(title, LEFT, 18)
    write(f"step 1 to {last}; grey: reconstruction, dark: discriminators only", LEFT, HEIGHT - 8)
    return picture


def main(metrics, output):
    with open(metrics, encoding="utf-8") as file:
        lines = [line for line in map(json.loads, file) if "phase" in line]
    cv2.imwrite(output, np.concatenate([panel(*settings, lines) for settings in PANELS], axis=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
