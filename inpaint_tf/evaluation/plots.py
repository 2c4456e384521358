"""Plots as SVG text: no plotting package needed, and the report stays one file."""

import html

from inpaint_tf.visualize.ticks import nice_ticks

# Distinct in hue and lightness (Okabe and Ito's palette for colour-blind readers).
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933")
_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 170, 30, 40
# Letters of a name that fit into the legend; of longer ones (paths of presets) the end is shown.
_NAME_LENGTH = 22


def interval_plot(title, groups, series):
    """Points with confidence intervals, side by side within groups.

    Args:
        title: Text above.
        groups: Names along the horizontal axis.
        series: Name -> list of (value, low, high) or None, one for each group.

    Returns:
        SVG text. A point is a circle, its interval a vertical line; a legend stands at the right.
    """
    numbers = [number for points in series.values() for point in points if point for number in point]
    if not numbers:
        return ""
    ticks = nice_ticks(min(numbers), max(numbers))
    low, high = ticks[0], ticks[-1]
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def down(value):
        return round(_TOP + inner_height * (1 - (value - low) / (high - low)), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" font-size="12" '
        'font-family="sans-serif">',
        f'<text x="{_LEFT}" y="18" font-weight="bold">{html.escape(title)}</text>',
    ]
    for tick in ticks:
        y = down(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + inner_width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
    group_width = inner_width / len(groups)
    for number, group in enumerate(groups):
        middle = round(_LEFT + group_width * (number + 0.5), 1)
        parts.append(f'<text x="{middle}" y="{_HEIGHT - 16}" text-anchor="middle">{html.escape(group)}</text>')
    for number, (name, points) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        for group, point in enumerate(points):
            if point is None:
                continue
            across = round(_LEFT + group_width * (group + (number + 1) / (len(series) + 1)), 1)
            value, bottom, top = point
            parts.append(f'<line x1="{across}" x2="{across}" y1="{down(bottom)}" y2="{down(top)}" stroke="{color}"/>')
            parts.append(f'<circle cx="{across}" cy="{down(value)}" r="4" fill="{color}"/>')
        legend = _TOP + 18 * number
        parts.append(f'<circle cx="{_WIDTH - _RIGHT + 16}" cy="{legend}" r="4" fill="{color}"/>')
        shown = name if len(name) <= _NAME_LENGTH else "…" + name[1 - _NAME_LENGTH :]
        parts.append(f'<text x="{_WIDTH - _RIGHT + 26}" y="{legend + 4}">{html.escape(shown)}</text>')
    return "\n".join([*parts, "</svg>"])
