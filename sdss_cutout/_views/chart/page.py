"""Lays out a page: lines of text, a picture, and more lines, as long as they are."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdss_cutout._views.text import elided, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Page"]

# Inches.
_WIDTH, _MARGIN = 7.0, 0.4
_TALLEST = 7.2
_GAP = 0.12


@dataclass
class Page:
    """A page of fixed width, and as high as what is on it.

    Attributes
    ----------
    aspect : float
        Height of the picture by its width.
    """

    aspect: float
    _lines: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    _height: float = _MARGIN
    _picture: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def write(self, text: str, *, size: float, fitted: bool = False, **style: Any) -> None:
        """Add text below the last line; ``fitted`` text is shortened rather than broken."""
        room = 72 * (_WIDTH - 2 * _MARGIN) / size
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        lines = [elided(text, room)] if fitted else _wrapped(text, room)
        for line in lines:
            self._lines.append((self._height, line, {"size": size, **style}))
            self._height += 1.35 * size / 72

    def place_picture(self) -> None:
        """Leave room for the picture below the last line."""
        width = _WIDTH - 2 * _MARGIN
        height = width * self.aspect
        if height > _TALLEST:
            width, height = _TALLEST / self.aspect, _TALLEST
        self._picture = (self._height + _GAP / 2, width, height)
        self._height += height + 2 * _GAP

    def draw(self, *, managed: bool) -> tuple[Figure, Axes]:
        """Draw the text; return the figure and the axes for the picture.

        A figure that pyplot does not manage is not shown, and needs no closing.
        """
        height = self._height + _MARGIN / 2
        figure = _new_figure((_WIDTH, height), managed=managed)
        for top, text, style in self._lines:
            figure.text(
                _MARGIN / _WIDTH, 1 - top / height, text, va="top", parse_math=False, **style
            )
        top, width, tall = self._picture
        left = (_WIDTH - width) / 2
        ax = figure.add_axes(
            (left / _WIDTH, 1 - (top + tall) / height, width / _WIDTH, tall / height)
        )
        return figure, ax


def _new_figure(size: tuple[float, float], *, managed: bool) -> Figure:
    if managed:
        from matplotlib import pyplot

        return pyplot.figure(figsize=size, facecolor="white")
    from matplotlib.figure import Figure

    return Figure(figsize=size, facecolor="white")


def _wrapped(text: str, room: float) -> list[str]:
    """Break a text at its blanks into lines of at most this many sizes of the font."""
    width = text_width(text)
    if width <= room or not text:
        return [text]
    letters = max(int(len(text) * room / width * 0.95), 1)
    return textwrap.wrap(text, letters) or [""]
