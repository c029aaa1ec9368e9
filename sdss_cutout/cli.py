"""The command line, over the client.

Everything heavy is imported within the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from sdss_cutout._cli.inputs import (
    client_of,
    columns_of,
    options_of,
    require_download,
    targets_of,
)
from sdss_cutout._cli.messages import SOME_FAILED, ErrorGroup, begin, say
from sdss_cutout._cli.options import (
    directory_option,
    json_option,
    picture_options,
    quiet_option,
    result_options,
    server_options,
    sheet_option,
    site_options,
    table_options,
)
from sdss_cutout._cli.output import Printer, json_line, print_paths

if TYPE_CHECKING:
    from sdss_cutout import CalibratedCutout, Cutout, CutoutList, SDSSCutouts
    from sdss_cutout._targets.targets import Targets
    from sdss_cutout.client import PictureOptions

__all__ = ["main"]

_EPILOG = """
\b
Examples:
  sdss-cutout get 19.0233 -0.0149 --scale 0.3 --size 180
  sdss-cutout get "M 51" --fov 12arcmin -o m51.jpg
  sdss-cutout download galaxies.csv -o cutouts --scale 0.3 --size 180
  sdss-cutout sql "SELECT TOP 50 objID, ra, dec FROM Galaxy WHERE r < 17" -o cutouts
  sdss-cutout sheet cutouts
  sdss-cutout export cutouts -o dataset --format imagefolder --split train=0.8,test=0.2
  sdss-cutout check

\b
Exit status:
  0    every target has a picture, or lies outside SDSS's imaging
  1    some targets have failed; the same command tries them again
  2    wrong use or bad input; nothing was sent
  3    check only: the server cannot be reached
  130  interrupted; the same command goes on where it stopped
"""


@click.group(
    cls=ErrorGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(package_name="sdss_cutout", message="%(package)s %(version)s")
def main() -> None:
    """Download SDSS images of positions on the sky, checked, each with its sky coordinates.

    Each command has its own --help.
    """


_TARGET_SETTINGS = {"ignore_unknown_options": True}  # a declination may begin with a minus


@main.command(context_settings=_TARGET_SETTINGS)
@click.argument("target", nargs=-1, required=True, metavar="TARGET | RA DEC")
@click.option("--name", help="Name of the files.  [default: as J011605.60-000053.6]")
@click.option(
    "-o", "--output", "directory", metavar="DIR|FILE", default=".",
    type=click.Path(path_type=Path),
    help="Directory, or the file itself if this ends in .jpg, or .fits with --bands.  "
    "[default: here]",
)  # fmt: skip
@picture_options
@server_options
@result_options
def get(target: tuple[str, ...], directory: Path, **given: Any) -> None:
    """Get one picture, and the FITS header beside it; with --bands, one FITS file of data.

    The target is a position in degrees, or sexagesimal as 01:16:05.6 -00:00:53.7, or the name of
    an object, as "M 51".
    """
    client, options = client_of(given), options_of(given)
    targets = _one_target(target, given)
    cutout = None if given["overwrite"] else _existing(client, targets, directory, options)
    if cutout is None:
        cutout = _saved(client, targets, directory, options, avm=given["avm"])
    if given["as_json"]:
        click.echo(json_line(cutout, {}))
    elif cutout.path:
        click.echo(str(cutout.path))
    if cutout.error:
        say(f"{cutout.name}: {cutout.status}: {cutout.error}")
    if cutout.status == "failed":
        raise SystemExit(SOME_FAILED)


def _saved(
    client: SDSSCutouts, targets: Targets, directory: Path, options: PictureOptions, *, avm: bool
) -> Cutout | CalibratedCutout:
    """Get the one target, and save what came."""
    from sdss_cutout import CalibratedCutout
    from sdss_cutout._request.calibrated import check_bands

    if bands := options.get("bands"):
        check_bands(bands, avm=avm)
    [cutout] = cast("list[Cutout | CalibratedCutout]", client.get(targets, **options))
    if isinstance(cutout, CalibratedCutout):
        return cutout.save(directory) if cutout.has_data else cutout
    return cutout.save(directory, avm=avm) if cutout.has_picture else cutout


def _one_target(words: tuple[str, ...], given: dict[str, Any]) -> Targets:
    """Return the one target that was typed, as a list of one."""
    from sdss_cutout import TargetError

    try:
        targets = targets_of(words, given)
    except TargetError as error:  # of one target there is no need to say which
        message = str(error).removeprefix("target 0: ")
        if given.get("name"):
            message = f"{message.partition('; use another column')[0]}; give another --name"
        raise TargetError(message) from error
    if len(targets) != 1:
        raise TargetError(
            f"{' '.join(words)} has {len(targets)} targets; sdss-cutout download gets lists"
        )
    return replace(targets, scalar=False)


def _existing(
    client: SDSSCutouts, targets: Targets, directory: Path, options: PictureOptions
) -> Cutout | CalibratedCutout | None:
    """Return the cutout if it exists; another one under its name is refused."""
    from sdss_cutout import CalibratedCutout, Cutout, TargetError
    from sdss_cutout._store.decide import Wanted
    from sdss_cutout._store.directory import existing_picture
    from sdss_cutout._store.layout import paths_of, place_of

    bands = options.get("bands") or ""
    (name,), (url,) = targets.names(), cast("list[str]", client.url(targets, **options))
    path = Path(paths_of(*place_of(directory, name, bands=bands), bands=bands)[0])
    try:
        found = existing_picture(Wanted(0, name, url, path.name), path)
    except TargetError as error:
        raise TargetError(
            f"{path} already exists and is not this {'cutout' if bands else 'picture'}; "
            "give --overwrite, --name or -o"
        ) from error
    if found is None:
        return None
    return CalibratedCutout.read(found) if bands else Cutout.read(found)


@main.command(context_settings=_TARGET_SETTINGS)
@click.argument("target", nargs=-1, required=True, metavar="TARGET | RA DEC")
@picture_options
@server_options
def url(target: tuple[str, ...], **given: Any) -> None:
    """Print the URL of a picture.

    Nothing is sent, except the name of an object to the name resolver.
    """
    client, options = client_of(given), options_of(given)
    click.echo("\n".join(client.url(_one_target(target, given), **options)))


@main.command(context_settings=_TARGET_SETTINGS)
@click.argument("targets")
@directory_option
@picture_options
@table_options
@server_options
@result_options
@sheet_option
def download(targets: str, directory: Path, **given: Any) -> None:
    """Get the pictures of a list of targets.

    TARGETS is a table with right ascension and declination (CSV, ECSV, FITS, VOTable, Parquet, and
    whatever else astropy or pandas read), or - for CSV on the standard input. Run again, it fetches
    what is missing.
    """
    client, options = client_of(given), options_of(given)
    listed = targets_of(targets, given)
    if not len(listed):
        say("the list has no targets")
        return
    _fetch(client, listed, directory, options, given)


@main.command(context_settings=_TARGET_SETTINGS)  # -- begins a comment
@click.argument("query")
@directory_option
@picture_options
@table_options
@server_options
@result_options
@sheet_option
def sql(query: str, directory: Path, **given: Any) -> None:
    """Get the pictures of what an SQL query selects.

    QUERY selects ra and dec, and best objID for the names; its other columns are kept in the table.
    """
    from sdss_cutout._targets.targets import read_targets

    client, options, columns = client_of(given), options_of(given), columns_of(given)
    table = client.query_sql(query)
    if not len(table):
        say("the query selected no rows")
        return
    targets = read_targets(table, names=given["names"], columns=columns, ra_unit=given["ra_unit"])
    _fetch(client, targets, directory, options, given)


def _fetch(
    client: SDSSCutouts,
    targets: Targets,
    directory: Path,
    options: PictureOptions,
    given: dict[str, Any],
) -> None:
    """Download, print each result as it comes, and end with the status that the results have."""
    directory = directory.expanduser()
    printer = Printer(targets, directory, as_json=given["as_json"])
    report = client.download(
        targets,
        directory,
        **options,
        overwrite=given["overwrite"],
        avm=given["avm"],
        on_result=printer,
    )
    if given["sheet"]:
        _write_sheet(directory)
    printer.finish(report)
    if report.counts["failed"]:
        raise SystemExit(SOME_FAILED)


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@quiet_option
def sheet(directory: Path, **given: Any) -> None:
    """Write a contact sheet and a montage of a download.

    The contact sheet, index.html, is a page to look at the pictures and to sort them; montage.png
    shows all of them side by side.
    """
    begin(given)
    page, montage = _write_sheet(require_download(directory))
    print_paths({"page": page, "montage": montage}, as_json=given["as_json"])


def _write_sheet(directory: Path) -> tuple[Path, Path]:
    from sdss_cutout import read_cutouts
    from sdss_cutout._results.calibrated import preview_of
    from sdss_cutout._store.layout import MONTAGE
    from sdss_cutout._views.montage import write_montage
    from sdss_cutout._views.sheet import write_sheet

    cutouts = read_cutouts(directory)
    table = cutouts.table
    montage = write_montage(cutouts, directory / MONTAGE, titles=table["name"])
    return write_sheet(directory, table, preview=preview_of), montage


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="OUT", required=True, type=click.Path(path_type=Path),
    help="Folder, or for hdf5 the file, to be made.",
)  # fmt: skip
@click.option(
    "--format", "form", metavar="F", default="imagefolder", show_default=True,
    help="imagefolder, parquet, webdataset, hdf5, zoobot, zooniverse, ds9 or votable.",
)  # fmt: skip
@click.option("--label", metavar="COL", help="Column with the label of each picture.")
@click.option(
    "--split", metavar="train=0.8,test=0.2|COL",
    help="Fractions of the splits, or the column that has the splits.  [default: all in train]",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, metavar="N", show_default=True,
    help="Another number divides another way.",
)  # fmt: skip
@click.option("--columns", metavar="A,B", help="Columns of the table to export.  [default: all]")
@click.option("--marks", metavar="FILE", help="Marks of the contact sheet, as the column mark.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@json_option
@quiet_option
def export(directory: Path, output: Path, form: str, **given: Any) -> None:
    """Write the pictures of a download as a training set.

    Pictures that overlap on the sky are always in the same split.
    """
    from sdss_cutout import conf, read_cutouts

    begin(given)
    cutouts = read_cutouts(require_download(directory))
    if given["marks"]:
        cutouts = cutouts.with_marks(given["marks"])
    columns = given["columns"]
    with conf.set_temp("show_progress", not given["quiet"]):
        made = cutouts.export(
            output.expanduser(), form, label=given["label"], split=_split_of(given["split"]),
            seed=given["seed"], columns=None if columns is None else columns.split(","),
            overwrite=given["overwrite"],
        )  # fmt: skip
    if given["as_json"]:
        row = {"path": str(made.path), "format": made.format, "counts": made.counts}
        click.echo(json.dumps(row | {"skipped": made.skipped}, ensure_ascii=False))
        return
    click.echo(str(made.path))
    counts = ", ".join(f"{split} {count}" for split, count in made.counts.items())
    say(f"pictures: {counts}")
    if any(made.skipped.values()):
        say(f"left out: {', '.join(f'{s} {n}' for s, n in made.skipped.items() if n)}")


def _split_of(text: str | None) -> dict[str, float] | str | None:
    """Return fractions such as train=0.8,test=0.2, or the name of a column."""
    from sdss_cutout import RequestError

    if text is None or "=" not in text:
        return text
    fractions = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            fractions[name.strip()] = float(number)
        except ValueError as error:
            raise RequestError(f"--split {part!r} is not a fraction such as train=0.8") from error
    return fractions


@main.command(context_settings=_TARGET_SETTINGS)
@click.argument("target", nargs=-1, required=True, metavar="TARGET | RA DEC")
@click.option(
    "-o", "--output", metavar="FILE", required=True, type=click.Path(path_type=Path),
    help="The chart: a .pdf, .png or .jpg file.",
)  # fmt: skip
@click.option("--name", help="Name of the target.  [default: as J011605.60-000053.6]")
@click.option(
    "--fov", metavar="ANGLE", default="5arcmin", show_default=True, help="Width of the field."
)
@click.option(
    "--size", type=int, metavar="N", default=800, show_default=True, help="Width in pixels."
)
@click.option(
    "--stars", type=click.IntRange(0, 26), metavar="N", default=5, show_default=True,
    help="Offset stars, from 0 to 26.",
)  # fmt: skip
@click.option(
    "--slit", metavar="LENGTHxWIDTH@PA",
    help="Slit on the target: arcsec, and degrees from north through east, as 120x1.5@35.",
)  # fmt: skip
@click.option("--title", help="Title of the chart.  [default: the target's name]")
@click.option("--note", "notes", multiple=True, help="A line of your own; may be repeated.")
@server_options
@quiet_option
def chart(target: tuple[str, ...], output: Path, **given: Any) -> None:
    """Draw a finding chart with offset stars.

    Use --note for the run, the principal investigator and the like.
    """
    from sdss_cutout._views.chart.chart import make_chart
    from sdss_cutout._views.chart.files import check_chart_path
    from sdss_cutout._views.chart.slit import read_slit

    client = client_of(given)
    output = output.expanduser()
    check_chart_path(output)
    if given["slit"]:
        read_slit(given["slit"])
    targets = _one_target(target, given)
    cutouts = cast("CutoutList", client.get(targets, fov=given["fov"], size=given["size"]))
    cutouts[0].raise_for_status()
    make_chart(
        cutouts[0], output, client.query_sql, stars=given["stars"], slit=given["slit"],
        title=given["title"], notes=list(given["notes"]),
    )  # fmt: skip
    click.echo(str(output))


@main.command()
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path),
    help="Write the report to this JSON file, too.",
)  # fmt: skip
@site_options
@click.option(
    "--max-rate", type=float, metavar="R",
    help="Requests per second.  [default: 2; on this computer 10]",
)  # fmt: skip
@click.option(
    "--timeout", type=float, metavar="SECONDS",
    help="Longest time for one answer.  [default: 30]",
)  # fmt: skip
@json_option
@quiet_option
def check(output: Path | None, **given: Any) -> None:
    """Check that the server is as this package assumes.

    At most 20 requests are sent. Prints one line per assumed fact: whether it holds, what is
    assumed, and what was seen. Exit status: 0 if none differs, 1 if one does, 3 if the server
    cannot be reached. There is nothing personal in the report.
    """
    from sdss_cutout._cli.live_check import run_check

    raise SystemExit(run_check(client_of(given), output, given))


@main.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N",
    help="Port on 127.0.0.1.  [default: a free one]",
)  # fmt: skip
@click.option(
    "--ready-file", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the addresses to this JSON file when the sandbox listens.",
)  # fmt: skip
def sandbox(port: int, ready_file: Path | None) -> None:
    """Serve a simulated SkyServer on 127.0.0.1.

    Use it to try things without a network; its pictures are not SDSS data.
    """
    from sdss_cutout.sandbox import serve

    try:
        serve(port, ready_file, announce=_announce)
    except OSError as error:
        raise click.ClickException(f"the sandbox cannot listen: {error}") from error


def _announce(base_url: str) -> None:
    click.echo(f"A simulated SkyServer answers at {base_url}; Ctrl-C ends it.")


@main.command()
@click.option(
    "-o", "--output", "directory", metavar="DIR", default="sdss_cutout_demo",
    type=click.Path(path_type=Path), show_default=True, help="Directory of the pictures.",
)  # fmt: skip
def demo(directory: Path) -> None:
    """Show everything once, offline.

    A simulated server is asked for galaxies by SQL; their pictures are downloaded and laid out on a
    page.
    """
    import astropy.units as u

    from sdss_cutout import SDSSCutouts
    from sdss_cutout._progress import summarise
    from sdss_cutout._store.layout import MANIFEST_TABLE
    from sdss_cutout.sandbox import Sandbox

    query = "SELECT TOP 50 objID, ra, dec, r, petroR90_r FROM Galaxy WHERE r < 17 ORDER BY r"
    with Sandbox() as server, SDSSCutouts(base_url=server.base_url, max_rate=200) as client:
        click.echo(f"A simulated SkyServer answers at {server.base_url}: this is not SDSS data.")
        click.echo(f"SQL: {query}")
        galaxies = client.query_sql(query)
        # Each galaxy as large in its picture as the next, from the catalogue's own radii.
        scale = 0.025 * galaxies["petroR90_r"] * u.arcsec / u.pix
        # Another run's sandbox had another address, which makes every request another one.
        report = client.download(galaxies, directory, scale=scale, size=180, overwrite=True)
    page, montage = _write_sheet(report.directory)
    click.echo(f"{len(report)} targets: {summarise(report.counts)}.")
    click.echo(f"Pictures (.jpg) and their FITS headers (.wcs): {report.directory}")
    table = report.directory / MANIFEST_TABLE
    click.echo(f"Requests and their outcomes, as a table:       {table}")
    click.echo(f"To look at:                                    {page}\n{'':47}{montage}")
    if report.counts["failed"]:
        raise SystemExit(SOME_FAILED)
