"""The command line, over the client.

Everything heavy is imported within the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from sdss_cutout import Cutout, CutoutList, SDSSCutouts
    from sdss_cutout._targets.targets import Targets
    from sdss_cutout.client import PictureOptions

__all__ = ["main"]

SOME_FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

F = TypeVar("F", bound=Callable[..., Any])


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_server_options = _options(
    click.option("--release", type=int, help="SDSS data release.  [default: 17]"),
    click.option("--base-url", metavar="URL", help="Root of the SkyServer site."),
    click.option("--max-rate", type=float, help="Requests a second.  [default: 10]"),
    click.option("--max-connections", type=int, help="Requests at the same time.  [default: 8]"),
    click.option("--max-attempts", type=int, help="Requests for one target.  [default: 5]"),
    click.option("--timeout", type=float, help="Seconds for one attempt.  [default: 30]"),
)
_picture_options = _options(
    click.option("--scale", type=float, help="Arcsec a pixel.  [default: 0.396127]"),
    click.option("--size", type=int, help="Width and height in pixels.  [default: 200]"),
    click.option("--width", type=int, help="Width in pixels."),
    click.option("--height", type=int, help="Height in pixels."),
    click.option("--fov", metavar="ANGLE", help="Angle across the width, as 1arcmin."),
    click.option("--overlays", metavar="LETTERS", help="What the server draws over it, as GL."),
)
_table_options = _options(
    click.option(
        "--names",
        metavar="COL",
        help="Column with the names of the files; IAU for names from the positions.",
    ),
    click.option("--ra", metavar="COL", help="Column of the right ascension."),
    click.option("--dec", metavar="COL", help="Column of the declination."),
    click.option(
        "--ra-unit",
        type=click.Choice(["deg", "hour", "rad"]),
        help="Unit of the right ascension.  [default: deg, or what the table says]",
    ),
)
_result_options = _options(
    click.option("--overwrite", is_flag=True, help="Fetch again what is there."),
    click.option("--avm", is_flag=True, help="Write the place on the sky into the JPEG too."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a target, a line each."),
    click.option("--quiet", is_flag=True, help="Nothing on the standard error."),
)
_sheet_option = click.option(
    "--sheet", is_flag=True, help="Also write index.html and montage.png to look at."
)


class _Group(click.Group):
    """Turns what goes wrong into one line and an exit status, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say("interrupted; the same command goes on where this one stopped")
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read our results has left
            sys.stdout = None  # nothing is to be flushed into it
            raise SystemExit(SOME_FAILED) from None
        except Exception as error:
            status = _status_of(error)
            if status is None:
                raise
            _say(f"Error: {error}")
            raise SystemExit(status) from None


def _status_of(error: Exception) -> int | None:
    """Return the exit status for an error of ours."""
    if "sdss_cutout._errors" not in sys.modules:
        return None
    from sdss_cutout._errors import CutoutError, RequestError, TargetError

    if isinstance(error, TargetError | RequestError):
        return WRONG_USE
    return SOME_FAILED if isinstance(error, CutoutError) else None


def _say(text: str) -> None:
    """Write to the standard error, unless --quiet is among the arguments."""
    context = click.get_current_context(silent=True)
    if not (context and context.find_root().meta.get("quiet")):
        click.echo(_safe(text), err=True)


def _safe(text: str) -> str:
    """Return text without what a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="sdss_cutout", message="%(package)s %(version)s")
def main() -> None:
    """Positions on the sky in, checked SDSS pictures that know where they are out.

    Exit status: 0 if every target has a picture or lies outside SDSS's imaging; 1 if some have
    failed; 2 for wrong use, when nothing was sent; 130 if interrupted.
    """


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("ra")
@click.argument("dec")
@click.option("--name", help="Stem of the files.  [default: as J011605.60-000053.6]")
@click.option("-o", "--output", "directory", default=".", type=click.Path(path_type=Path))
@_picture_options
@_server_options
@_result_options
def get(ra: str, dec: str, name: str | None, directory: Path, **given: Any) -> None:
    """Get one picture, and its sidecar, into the current directory.

    RA and DEC are degrees, or sexagesimal as 01:16:05.6 -00:00:53.7.
    """
    from dataclasses import replace

    from sdss_cutout._targets.targets import read_targets

    client, options = _client(given), _picture(given)
    read = replace(read_targets(_position(ra, dec), names=name and [name]), scalar=False)
    cutout = None if given["overwrite"] else _existing(client, read, directory, options)
    if cutout is None:
        cutout = next(iter(cast("CutoutList", client.get(read, **options))))
        if cutout.has_picture:
            cutout = cutout.save(directory, avm=given["avm"])
    if given["as_json"]:
        click.echo(json.dumps(_json_row(cutout, {})))
    elif cutout.path:
        click.echo(str(cutout.path))
    if cutout.error:
        _say(f"{cutout.name}: {cutout.status}: {cutout.error}")
    if cutout.status == "failed":
        raise SystemExit(SOME_FAILED)


def _existing(
    client: SDSSCutouts, read: Targets, directory: Path, options: PictureOptions
) -> Cutout | None:
    """Return the picture if it exists; another one under its name is refused."""
    from sdss_cutout import Cutout, TargetError
    from sdss_cutout._store.decide import Wanted
    from sdss_cutout._store.directory import existing_picture
    from sdss_cutout._store.layout import PICTURE, place_of

    (name,), (url,) = read.names(), cast("list[str]", client.url(read, **options))
    folder, stem = place_of(directory, name)
    path = folder / f"{stem}{PICTURE}"
    try:
        found = existing_picture(Wanted(0, name, url, path.name), path)
    except TargetError as error:
        raise TargetError(
            f"{path} already exists and is not this picture; give --overwrite, --name or -o"
        ) from error
    return None if found is None else Cutout.read(found)


def _json_row(cutout: Cutout, input_values: dict[str, Any]) -> dict[str, Any]:
    from sdss_cutout._results.columns import json_row

    return json_row(input_values, cutout.row())


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("ra")
@click.argument("dec")
@_picture_options
@_server_options
def url(ra: str, dec: str, **given: Any) -> None:
    """Print the URL of a picture; sends nothing."""
    client, options = _client(given), _picture(given)
    click.echo(client.url(_position(ra, dec), **options))


@main.command()
@click.argument("targets")
@click.option("-o", "--output", "directory", required=True, type=click.Path(path_type=Path))
@_picture_options
@_table_options
@_server_options
@_result_options
@_sheet_option
def download(targets: str, directory: Path, ra: str | None, dec: str | None, **given: Any) -> None:
    """Get a picture of each of TARGETS, a table with ra and dec, into a directory.

    CSV, ECSV, FITS, VOTable and Parquet are read. Started again, it fetches what is missing.
    """
    from sdss_cutout._targets.targets import read_command_line_targets

    client, options = _client(given), _picture(given)
    read = read_command_line_targets(
        targets,
        sys.stdin.buffer,
        names=given["names"],
        columns=_columns(ra, dec),
        ra_unit=given["ra_unit"],
    )
    _fetch(client, read, directory, options, given)


@main.command(context_settings={"ignore_unknown_options": True})  # -- begins a comment
@click.argument("query")
@click.option("-o", "--output", "directory", required=True, type=click.Path(path_type=Path))
@_picture_options
@_table_options
@_server_options
@_result_options
@_sheet_option
def sql(query: str, directory: Path, ra: str | None, dec: str | None, **given: Any) -> None:
    """Get a picture of each row that an SQL QUERY selects, with its columns, into a directory."""
    from sdss_cutout._targets.targets import read_targets

    client, options, columns = _client(given), _picture(given), _columns(ra, dec)
    read = read_targets(
        client.query_sql(query), names=given["names"], columns=columns, ra_unit=given["ra_unit"]
    )
    _fetch(client, read, directory, options, given)


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the files.")
@click.option("--quiet", is_flag=True, help="Nothing on the standard error.")
def sheet(directory: Path, as_json: bool, quiet: bool) -> None:
    """Write index.html and montage.png for the pictures in a DIRECTORY."""
    _be_quiet(quiet)
    page, montage = _write_sheet(directory)
    _print_paths({"page": page, "montage": montage}, as_json=as_json)


def _print_paths(paths: dict[str, Path], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({key: str(path) for key, path in paths.items()}))
    else:
        click.echo("\n".join(map(str, paths.values())))


def _write_sheet(directory: Path) -> tuple[Path, Path]:
    from sdss_cutout._results.directory import read_cutouts
    from sdss_cutout._views.montage import write_montage
    from sdss_cutout._views.sheet import write_sheet

    cutouts = read_cutouts(directory)
    table = cutouts.table
    montage = write_montage(cutouts, directory / "montage.png", titles=table["name"])
    return write_sheet(directory, table), montage


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written when it listens.")
def sandbox(port: int, ready_file: Path | None) -> None:
    """Serve a simulated SkyServer on 127.0.0.1, to try things without a network."""
    from sdss_cutout.sandbox import serve

    try:
        serve(port, ready_file, announce=_announce)
    except OSError as error:
        raise click.ClickException(f"the sandbox cannot listen: {error}") from error


def _announce(base_url: str) -> None:
    click.echo(f"A simulated SkyServer answers at {base_url}; Ctrl-C ends it.")


@main.command()
@click.option(
    "-o", "--output", "directory", default="sdss_cutout_demo", type=click.Path(path_type=Path),
    show_default=True,
)  # fmt: skip
def demo(directory: Path) -> None:
    """Go the whole road offline, on the sandbox: SQL, pictures, sidecars, sheet."""
    import astropy.units as u

    from sdss_cutout import SDSSCutouts
    from sdss_cutout.sandbox import Sandbox

    query = "SELECT TOP 50 objID, ra, dec, r, petroR90_r FROM Galaxy WHERE r < 17 ORDER BY r"
    with Sandbox() as server:
        client = SDSSCutouts(base_url=server.base_url, max_rate=200)
        click.echo(f"A simulated SkyServer answers at {server.base_url}: this is not SDSS data.")
        click.echo(f"SQL: {query}")
        galaxies = client.query_sql(query)
        # Each galaxy as large in its picture as the next, from the catalogue's own radii.
        scale = 0.025 * galaxies["petroR90_r"] * u.arcsec / u.pix
        # Another run's sandbox had another address, which makes every request another one.
        report = client.download(galaxies, directory, scale=scale, size=180, overwrite=True)
    page, montage = _write_sheet(directory)
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    click.echo(f"{len(report)} targets: {counts}.")
    click.echo(f"Pictures (.jpg) and sidecars (.wcs): {directory}")
    click.echo(f"What was asked and what came of it:  {directory / 'manifest.ecsv'}")
    click.echo(f"To look at:                          {page}\n{'':37}{montage}")
    if report.counts["failed"]:
        raise SystemExit(SOME_FAILED)


# ------------------------------------------------------------------------------- helpers


def _client(given: dict[str, Any]) -> SDSSCutouts:
    from sdss_cutout import SDSSCutouts

    _be_quiet(given.get("quiet", False))
    return SDSSCutouts(
        given["release"],
        base_url=given["base_url"],
        max_connections=given["max_connections"],
        max_rate=given["max_rate"],
        timeout=given["timeout"],
        max_attempts=given["max_attempts"],
        show_progress=not given.get("quiet", False) and sys.stderr.isatty(),
    )


def _be_quiet(quiet: bool) -> None:
    if quiet:
        from astropy import log

        click.get_current_context().find_root().meta["quiet"] = True
        log.setLevel("CRITICAL")


def _picture(given: dict[str, Any], **more: Any) -> PictureOptions:
    import astropy.units as u

    options: dict[str, Any] = {key: given[key] for key in ("size", "width", "height", "overlays")}
    if given["scale"] is not None:
        options["scale"] = given["scale"] * u.arcsec / u.pix
    if given["fov"] is not None:
        options["fov"] = given["fov"]
    return {**options, **more}  # type: ignore[typeddict-item]


def _position(ra: str, dec: str) -> Any:
    from astropy.table import Table

    return Table({"ra": [ra], "dec": [dec]})[0]


def _columns(ra: str | None, dec: str | None) -> tuple[str, str] | None:
    from sdss_cutout._errors import TargetError

    if ra is None and dec is None:
        return None
    if ra is None or dec is None:
        raise TargetError("--ra and --dec go together")
    return ra, dec


def _fetch(
    client: SDSSCutouts,
    targets: Targets,
    directory: Path,
    options: PictureOptions,
    given: dict[str, Any],
) -> None:
    """Download, print each result as it comes, and end with the status that the results have."""
    report = client.download(
        targets,
        directory,
        **options,
        overwrite=given["overwrite"],
        avm=given["avm"],
        on_result=_Printer(targets, directory, as_json=given["as_json"]),
    )
    if given["sheet"]:
        _write_sheet(directory)
    if failed := report.counts["failed"]:
        _say(f"{failed} of {len(report)} failed; the same command tries them again")
        raise SystemExit(SOME_FAILED)


class _Printer:
    """Prints results as they come: the paths of pictures, or a JSON object per target."""

    def __init__(self, targets: Targets, directory: Path, *, as_json: bool) -> None:
        self._targets = targets
        self._directory = directory
        self._as_json = as_json
        self._rows: dict[str, int] = {}
        self._input_values: list[dict[str, Any]] = []

    def __call__(self, cutout: Cutout) -> None:
        if self._as_json:
            row = _json_row(cutout, self._input_of(cutout.name))
            click.echo(json.dumps(row, ensure_ascii=False))
        elif cutout.path:
            click.echo(str(self._directory / cutout.path.name))

    def _input_of(self, name: str) -> dict[str, Any]:
        """Return the input columns of a target."""
        from sdss_cutout._results.columns import beside_ours
        from sdss_cutout._results.input_columns import row_dicts

        if not self._targets.table.colnames:
            return {}
        if not self._rows:
            self._rows = {name: row for row, name in enumerate(self._targets.names())}
            self._input_values = row_dicts(beside_ours(self._targets.table))
        return self._input_values[self._rows[name]]
