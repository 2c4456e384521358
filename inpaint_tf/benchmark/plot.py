"""Time and memory against size, drawn with OpenCV."""

import cv2
import numpy as np

_HEIGHT, _WIDTH, _MARGIN = 420, 520, 64
# RGB, dark enough on white.
_COLOURS = [(31, 90, 170), (200, 70, 30), (30, 130, 60), (140, 60, 150), (120, 100, 20), (20, 130, 140), (90, 90, 90)]


def scaling_plot(rows, horizontal="pixels"):
    """Two panels, seconds and peak memory, on logarithmic axes; a line for every form and hole (or photo size).

    Args:
        rows: Rows of `benchmark.inference`; those without numbers are left out.
        horizontal: "pixels" of the photo, a line for every hole; or "hole", a line for every photo size.

    Returns:
        uint8 RGB picture.
    """
    rows = [row for row in rows if "skipped" not in row]
    lines = {}
    for row in rows:
        size = f"{row['width_px']}x{row['height_px']}"
        at = row["width_px"] * row["height_px"] if horizontal == "pixels" else row["hole_px"]
        line = row["form"], row["hole"] if horizontal == "pixels" else size
        lines.setdefault(line, []).append((at / 1e6, row["seconds"], row.get("peak_gib")))
    axis = "photo, megapixels" if horizontal == "pixels" else "hole, megapixels"
    label = "hole" if horizontal == "pixels" else "photo"
    panels = [
        _panel({line: [(x, s) for x, s, _ in points] for line, points in lines.items()}, axis, "seconds", label),
        _panel({line: [(x, g) for x, _, g in points if g] for line, points in lines.items()}, axis, "GiB", label),
    ]
    return np.concatenate(panels, axis=1)


def _panel(lines, axis, unit, label):
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    points = [point for line in lines.values() for point in line]
    if not points:
        return canvas
    low, high = np.log10(np.min(points, axis=0)) - 0.1, np.log10(np.max(points, axis=0)) + 0.1
    high[1] += 0.09 * len(lines) * (high[1] - low[1])

    def place(point):
        share = (np.log10(point) - low) / np.maximum(high - low, 1e-6)
        across = _MARGIN + share[0] * (_WIDTH - _MARGIN - 16)
        return int(across), int(_HEIGHT - _MARGIN - share[1] * (_HEIGHT - _MARGIN - 16))

    for direction in (0, 1):
        for tick in _ticks(low[direction], high[direction]):
            point = [10 ** low[0], 10 ** low[1]]
            point[direction] = tick
            x, y = place(point)
            end = (x, 16) if direction == 0 else (_WIDTH - 16, y)
            cv2.line(canvas, (x, y), end, (225, 225, 225), 1)
            at = (x - 12, _HEIGHT - _MARGIN + 18) if direction == 0 else (8, y + 4)
            _text(canvas, f"{tick:g}", at)
    _text(canvas, axis, (_WIDTH // 2 - 60, _HEIGHT - 16))
    _text(canvas, unit, (8, 14))
    for index, (line, values) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        places = [place(value) for value in sorted(values)]
        cv2.polylines(canvas, [np.array(places, np.int32).reshape(-1, 1, 2)], False, colour, 2, cv2.LINE_AA)
        for x, y in places:
            cv2.circle(canvas, (x, y), 4, colour, -1, cv2.LINE_AA)
        _text(canvas, f"{line[0]}, {label} {line[1]}", (_MARGIN + 10, 30 + 17 * index), colour)
    return canvas


def _ticks(low, high):
    steps = [
        factor * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1) for factor in (1, 2, 5)
    ]
    return [step for step in steps if low <= np.log10(step) <= high]


def _text(canvas, text, at, colour=(60, 60, 60)):
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
