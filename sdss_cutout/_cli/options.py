"""The options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "directory_option",
    "json_option",
    "picture_options",
    "quiet_option",
    "result_options",
    "server_options",
    "sheet_option",
    "site_options",
    "table_options",
]

F = TypeVar("F", bound=Callable[..., Any])


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on the standard output."
)
quiet_option = click.option(
    "--quiet", is_flag=True, help="Print nothing on the standard error; results still appear."
)
directory_option = click.option(
    "-o", "--output", "directory", metavar="DIR", required=True, type=click.Path(path_type=Path),
    help="Directory of the pictures; made if it does not exist.",
)  # fmt: skip
site_options = _options(
    click.option(
        "--release", type=int, metavar="N", help="SDSS data release.  [default: 17]"
    ),
    click.option(
        "--base-url", metavar="URL",
        help="Root of the SkyServer site.  [default: https://skyserver.sdss.org]",
    ),
    click.option(
        "--frames-url", metavar="URL",
        help="Root of the archive of frames, for --bands.  [default: https://data.sdss.org/sas]",
    ),
)  # fmt: skip
server_options = _options(
    site_options,
    click.option(
        "--max-rate", type=float, metavar="R",
        help="Requests per second, of all connections together.  [default: 10]",
    ),
    click.option(
        "--max-connections", type=int, metavar="N",
        help="Requests under way at the same time.  [default: 8]",
    ),
    click.option(
        "--max-attempts", type=int, metavar="N",
        help="Requests for one target before it counts as failed.  [default: 5]",
    ),
    click.option(
        "--timeout", type=float, metavar="SECONDS",
        help="Longest time for one attempt as a whole.  [default: 30]",
    ),
)  # fmt: skip
picture_options = _options(
    click.option("--scale", type=float, metavar="S", help="Arcsec per pixel.  [default: 0.396127]"),
    click.option(
        "--size", type=int, metavar="N", help="Width and height in pixels.  [default: 200]"
    ),
    click.option("--width", type=int, metavar="N", help="Width in pixels."),
    click.option("--height", type=int, metavar="N", help="Height in pixels."),
    click.option("--fov", metavar="ANGLE", help="Angle across the width, with its unit: 1arcmin."),
    click.option(
        "--overlays", metavar="LETTERS", help="What the server draws over the picture: GL."
    ),
    click.option(
        "--bands", metavar="BANDS", help="Calibrated data in these of u, g, r, i, z: gri."
    ),
)
table_options = _options(
    click.option(
        "--names", metavar="COL",
        help="Column with the names of the files; IAU for names made from the positions.",
    ),
    click.option("--ra", metavar="COL", help="Column of the right ascension."),
    click.option("--dec", metavar="COL", help="Column of the declination."),
    click.option(
        "--ra-unit", type=click.Choice(["deg", "hour", "rad"]),
        help="Unit of the right ascension, where the table does not say it.",
    ),
)  # fmt: skip
result_options = _options(
    click.option("--overwrite", is_flag=True, help="Fetch again what exists already."),
    click.option("--avm", is_flag=True, help="Write the position into the JPEGs too, as AVM."),
    json_option,
    quiet_option,
)
sheet_option = click.option(
    "--sheet", is_flag=True, help="Write index.html and montage.png to look at, too."
)
