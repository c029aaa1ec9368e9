"""What the command line says, in the words that were typed; errors become exit statuses."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import click

__all__ = [
    "INTERRUPTED",
    "SOME_FAILED",
    "UNREACHABLE",
    "WRONG_USE",
    "ErrorGroup",
    "begin",
    "say",
]

SOME_FAILED, WRONG_USE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130


class ErrorGroup(click.Group):
    """Turns what goes wrong into one line and an exit status, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # A name that the output's encoding lacks, as on Windows, is printed with escapes.
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("interrupted; the same command goes on where this one stopped")
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # the program that read our output has ended
            sys.stdout = None  # nothing is to be flushed into it
            raise SystemExit(SOME_FAILED) from None
        except Exception as error:
            status = _status_of(error)
            if status is None:
                raise
            say(f"Error: {in_words_of_the_command_line(str(error))}")
            raise SystemExit(status) from None


def _status_of(error: Exception) -> int | None:
    """Return the exit status for an error of ours."""
    if "sdss_cutout._errors" not in sys.modules:
        return None
    from sdss_cutout._errors import CutoutError, RequestError, TargetError

    if isinstance(error, TargetError | RequestError):
        return WRONG_USE
    return SOME_FAILED if isinstance(error, CutoutError) else None


def say(text: str) -> None:
    """Write to the standard error, unless --quiet is among the arguments."""
    context = click.get_current_context(silent=True)
    if not (context and context.find_root().meta.get("quiet")):
        click.echo(_safe(text), err=True)


def begin(given: dict[str, Any]) -> None:
    """Note the options that a command was given: which were typed, and whether to be quiet."""
    meta = click.get_current_context().find_root().meta
    meta["typed"] = {
        name for name, value in given.items() if value is not None and value is not False
    }
    if given.get("quiet"):
        from astropy import log

        meta["quiet"] = True
        log.setLevel("CRITICAL")


def _safe(text: str) -> str:
    """Return text without what a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


# How Python's arguments are called on the command line.
_AS_TYPED = {
    "overwrite=True": "--overwrite",
    'names="IAU"': "--names IAU",
    "names='IAU'": "--names IAU",
    "data_release": "--release",
    "base_url": "--base-url",
    "frames_url": "--frames-url",
    "max_rate": "--max-rate",
    "max_connections": "--max-connections",
    "max_attempts": "--max-attempts",
    "ra_unit": "--ra-unit",
}
_ARGUMENTS = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?!\w)" for name in _AS_TYPED))
# Messages about names tell both forms, as they are read in either place.
_BOTH_FORMS = re.compile(r"names=['\"](\w+)['\"], or --names \1")
# Where the refused value is in a message.
_OPTIONS = re.compile(
    r"(?<![\w-])(scale|width|height|fov|overlays|bands|timeout|label|split)(?= = )"
)


def in_words_of_the_command_line(message: str) -> str:
    """Return a message with options instead of Python's arguments."""
    message = _BOTH_FORMS.sub(r"--names \1", message)
    message = _ARGUMENTS.sub(lambda found: _AS_TYPED[found[0]], message)
    return _OPTIONS.sub(_typed_option, message, count=1)


def _typed_option(found: re.Match[str]) -> str:
    """Return what a message names, as the option that was typed for it."""
    typed = click.get_current_context().find_root().meta.get("typed", set())
    if found[1] in typed:
        return f"--{found[0]}"
    if found[1] in ("width", "height") and "size" in typed:
        return f"--size: {found[0]}"
    return found[0]
