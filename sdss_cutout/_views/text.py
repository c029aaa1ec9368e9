"""Fits names into the space that a figure has for them."""

from __future__ import annotations

import functools
import warnings

__all__ = ["elided", "fit_title", "text_width"]

# Points; smaller text cannot be read on a screen.
SMALLEST = 5.0


def text_width(text: str) -> float:
    """Return the width of the widest line, in units of the size of the font."""
    return max(map(_line_width, text.split("\n")))


@functools.lru_cache(maxsize=4096)
def _line_width(line: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # characters that the font lacks; drawing warns of them
        width, _, _ = TextToPath().get_text_width_height_descent(
            line, FontProperties(size=10), False
        )
    return float(width) / 10


def fit_title(text: str, width: float, largest: float) -> tuple[str, float]:
    """Return a text and the size of its font, in points, to fit into a width in points.

    A text that is too long for one line takes two; if that is not enough, its middle is left out.
    """
    for lines in (text, _in_two_lines(text)):
        size = width / max(text_width(lines), 1.0)
        if size >= SMALLEST:
            return lines, min(size, largest)
    return elided(text, width / SMALLEST), SMALLEST


def _in_two_lines(text: str) -> str:
    """Break a text near its middle: after a blank, before a sign, else anywhere."""
    middle = len(text) // 2
    places = [
        place for place in range(1, len(text)) if text[place] in "+-" or text[place - 1] in " _,/"
    ]
    place = min(places, key=lambda place: abs(place - middle), default=middle)
    if abs(place - middle) > len(text) / 4:
        place = middle
    return f"{text[:place].rstrip()}\n{text[place:]}"


# A size of the font that was made for a text must not shorten it.
_ROUNDING = 1 + 1e-9


def elided(text: str, width: float) -> str:
    """Return the text, its middle left out if it is wider than this many sizes of the font."""
    if text_width(text) <= width * _ROUNDING:
        return text
    for kept in range(len(text) - 1, 2, -1):
        head = kept // 2
        short = f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (kept - head) :]}"
        if text_width(short) <= width:
            return short
    return f"{text[:1]}\N{HORIZONTAL ELLIPSIS}"
