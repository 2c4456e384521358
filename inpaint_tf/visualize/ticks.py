"""Where the lines of a diagram's axis go."""

import math


def nice_ticks(low, high, most=6):
    """Round numbers, at most `most` + 1 steps, that enclose [low, high]."""
    span = high - low or abs(high) or 1.0
    power = 10 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most)
    first, last = math.floor(low / step), math.ceil(high / step)
    if last == first:
        last += 1
    return [round(number * step, 10) for number in range(first, last + 1)]
