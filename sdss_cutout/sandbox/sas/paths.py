"""The paths of the archive's frames, and the URLs that the server gives for them.

``S:`` is the server's public source: sciserver/sqlloader, spUrlFitsSupport.sql; astropy/astroquery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.survey.fields import RERUN

if TYPE_CHECKING:
    from sdss_cutout.sandbox.survey.fields import Field

ARCHIVE = "https://data.sdss.org/sas"  # S: the real one, which search results name
_FRAME = re.compile(
    r"/sas/dr(?P<release>\d{1,2})/(?P<tree>.+)/frames/(?P<rerun>\d+)/(?P<run>\d+)/(?P<camcol>\d)"
    r"/frame-(?P<band>[ugriz])-(?P<run6>\d{6})-(?P<camcol2>\d)-(?P<field>\d{4})\.fits\.bz2"
)


@dataclass(frozen=True, slots=True)
class FramePath:
    """What a path of a frame says."""

    release: int
    run: int
    camcol: int
    field: int
    band: str


def tree(release: int) -> str:
    """The folder of a release that holds the imaging (S: astroquery sdss/core.py)."""
    if release >= 18:
        return "prior-surveys/sdss4-dr17-eboss"
    return "eboss" if release >= 13 else "boss"


def parse(path: str) -> FramePath | None:
    """Read a path; None if no frame can be there."""
    found = _FRAME.fullmatch(path)
    if found is None:
        return None
    release, run, camcol = int(found["release"]), int(found["run"]), int(found["camcol"])
    # U: dr12 had an alias, which SDSS's own mosaic scripts use. DR8's are served no more.
    folders = [f"{tree(release)}/photoObj"] + ["env/BOSS_PHOTOOBJ"] * (release == 12)
    consistent = (run, camcol) == (int(found["run6"]), int(found["camcol2"]))
    plain = found["run"] == str(run) and int(found["rerun"]) == RERUN
    if release < 9 or found["tree"] not in folders or not (consistent and plain):
        return None
    return FramePath(release, run, camcol, int(found["field"]), found["band"])


def url(field: Field, band: str, release: int) -> str:
    """The URL that a search gives for a frame (S: fGetUrlFitsCFrame)."""
    run, camcol = field.run.number, field.camcol
    release = max(release, 9)
    return (
        f"{ARCHIVE}/dr{release}/{tree(release)}/photoObj/frames/{RERUN}/{run}/{camcol}/"
        f"frame-{band}-{run:06d}-{camcol}-{field.number:04d}.fits.bz2"
    )
