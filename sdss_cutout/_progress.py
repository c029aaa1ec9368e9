"""Shows the progress of a run: a bar on terminals and in notebooks, else lines in astropy's log."""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from typing import Any

from astropy import log

__all__ = ["Progress"]

_LOG_EVERY = 60.0


class Progress:
    """Counts outcomes, and shows them with rate and time left.

    Parameters
    ----------
    total : int or None
        How many targets there are, where that is known.
    show : bool
        Whether a bar is wanted; there is one only on a terminal or in a notebook.
    """

    def __init__(self, total: int | None, *, show: bool) -> None:
        self.counts: Counter[str] = Counter()
        self._total = total
        self._show = show
        self._logged_at = time.monotonic()
        self._bar = None
        if show and _is_watched():
            self._bar = _bar_class()(
                total=total, unit="cutout", file=sys.stderr, dynamic_ncols=True
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(self.summary())
            self._bar.close()

    def add(self, status: str, count: int = 1) -> None:
        """Note outcomes of one status."""
        self.counts[status] += count
        if self._bar is not None:
            self._bar.set_postfix_str(self.summary(), refresh=False)
            self._bar.update(count)
        elif self._show and time.monotonic() - self._logged_at > _LOG_EVERY:
            self._logged_at = time.monotonic()
            of = f" of {self._total}" if self._total is not None else ""
            log.info("%d%s cutouts: %s", self.counts.total(), of, self.summary())

    def summary(self) -> str:
        """Return the counts, as ``ok 12, outside 1``."""
        return summarise(self.counts)


def summarise(counts: dict[str, int]) -> str:
    """Return counts of statuses as text."""
    return ", ".join(f"{status} {count}" for status, count in counts.items() if count) or "none"


def _bar_class() -> Any:
    """Return tqdm's bar for a notebook or for a terminal.

    Without ipywidgets a notebook gets the bar of text, and no warning: it is not needed.
    """
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    return tqdm


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())
