"""The routes of frames and of searches for fields, over one survey."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.http.response import Response, html
from sdss_cutout.sandbox.sas import paths, search
from sdss_cutout.sandbox.sas.frames import FrameMaker
from sdss_cutout.sandbox.survey import camera
from sdss_cutout.sandbox.survey.fields import Survey

if TYPE_CHECKING:
    from sdss_cutout.sandbox.sky.objects import Sky


class Archive:
    """Answers for frames and field searches.

    Parameters
    ----------
    sky : Sky
        What is to be seen.
    noise : bool
        As `FrameMaker` takes it.
    frame_shape : tuple of int
        Rows and columns of a frame, as `Survey` takes them.
    """

    def __init__(
        self, sky: Sky, *, noise: bool = True,
        frame_shape: tuple[int, int] = (camera.ROWS, camera.COLS),
    ) -> None:  # fmt: skip
        self.survey: Survey = Survey(frame_shape)
        self.frames: FrameMaker = FrameMaker(sky, noise=noise)

    def frame(self, path: str) -> Response:
        """The answer to a path under ``/sas``."""
        named = paths.parse(path)
        if named is None:
            return missing(path)
        field = self.survey.field(named.run, named.camcol, named.field)
        if field is None:
            return missing(path)
        body = self.frames.file(field, named.band, named.release)
        return Response(200, body, "application/octet-stream")

    def fields(self, kind: str, query: dict[str, str], release: int) -> Response:
        """The answer to a search for fields, named in lower case."""
        return search.answer(self.survey, kind, query, release)


def missing(path: str) -> Response:
    """What the archive's web server says of a file that is not there."""
    return html(
        404,
        "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
        f"<center><h1>404 Not Found</h1></center>\r\n<hr><center>{escape(path)}</center>\r\n"
        "</body>\r\n</html>\r\n",
    )
