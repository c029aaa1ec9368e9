"""The sandbox as a server on 127.0.0.1."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.http.connection import Server
from sdss_cutout.sandbox.responder import Responder
from sdss_cutout.sandbox.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from numpy.typing import ArrayLike

    from sdss_cutout.sandbox.faults.table import Fault
    from sdss_cutout.sandbox.http.log import RequestRecord
    from sdss_cutout.sandbox.sky.objects import Sky
    from sdss_cutout.sandbox.survey.fields import Survey


class Sandbox:
    """A stand-in SkyServer on 127.0.0.1, with a synthetic sky and faults on demand.

    Parameters
    ----------
    port : int
        The port; 0 takes any that is free.
    fast : bool
        Send the same small picture for every position, and count requests without recording
        them: for long tests.
    outside_status : {404, 200}
        The status where there is no imaging; servers before 2017-03 sent 200.
    queries_per_minute : int, optional
        Refuse SQL beyond this number in any minute, as the real server does beyond 60.
    noise : bool
        Whether frames have noise. Without it their pixels are the exact light of the sources.
    frame_shape : tuple of int
        Rows and columns of a frame. Smaller ones than SDSS's are made faster; the whole survey's
        geometry is scaled down with them.
    broken : iterable of str
        Facts of the real server that do not hold: keys of ``BREAKABLE_FACTS``.

    Examples
    --------
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox:
    ...     sandbox.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self, port: int = 0, *, fast: bool = False, outside_status: int = 404,
        queries_per_minute: int | None = None, noise: bool = True,
        frame_shape: tuple[int, int] = (1489, 2048), broken: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self._site = Site(
            fast=fast, outside_status=outside_status, queries_per_minute=queries_per_minute,
            noise=noise, frame_shape=frame_shape, broken=broken,
        )  # fmt: skip
        self._responder = Responder(self._site, counters_only=fast)
        self._server = Server(("127.0.0.1", port), self._responder.respond)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Stop listening, close all connections and wait for all threads. May be called twice.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> sandbox = Sandbox()
        >>> sandbox.close()
        """
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._site.catalogue.close()
        self._server.close_all()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        """The URL that replaces ``https://skyserver.sdss.org``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def frames_url(self) -> str:
        """The URL that replaces ``https://data.sdss.org/sas``."""
        return f"{self.base_url}/sas"

    @property
    def survey(self) -> Survey:
        """The runs and fields: ``survey.covering(ra, dec)`` gives the primary one first."""
        return self._site.archive.survey

    @property
    def sky(self) -> Sky:
        """The catalogue: ``sky.near(ra, dec, radius_deg)`` gives an array of objects."""
        return self._site.sky

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests except those of the control routes; empty in fast mode."""
        return self._responder.log.records

    @property
    def picture_requests(self) -> list[RequestRecord]:
        """Those for pictures."""
        return [record for record in self.requests if record.kind == "picture"]

    @property
    def sql_requests(self) -> list[RequestRecord]:
        """Those with queries."""
        return [record for record in self.requests if record.kind == "sql"]

    @property
    def frame_requests(self) -> list[RequestRecord]:
        """Those for frames."""
        return [record for record in self.requests if record.kind == "frame"]

    @property
    def field_requests(self) -> list[RequestRecord]:
        """Those that search for fields."""
        return [record for record in self.requests if record.kind == "fields"]

    @property
    def counts(self) -> dict[str, Any]:
        """Numbers of requests by kind and status, in fast mode too."""
        return self._responder.log.counts()

    @property
    def max_in_flight(self) -> int:
        """The most picture requests that were in flight at one time."""
        return self._responder.log.max_in_flight("picture")

    @property
    def max_frames_in_flight(self) -> int:
        """The most frame requests that were in flight at one time."""
        return self._responder.log.max_in_flight("frame")

    def inject(self, *faults: Fault) -> None:
        """Add faults to those in force; the first that applies to a request is injected.

        Parameters
        ----------
        *faults : Fault
            The faults to add.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Fault, Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.inject(Fault("service_unavailable", times=1))
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64).attempts
        2
        """
        for fault in faults:
            self._responder.faults.add(fault)

    def break_fact(self, *facts: str) -> None:
        """Let facts of the real server not hold, until `reset`.

        Parameters
        ----------
        *facts : str
            Keys of ``BREAKABLE_FACTS``.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import BREAKABLE_FACTS, Sandbox
        >>> BREAKABLE_FACTS["picture-size"]
        'a picture is one pixel wider than requested'
        >>> with Sandbox() as sandbox:
        ...     sandbox.break_fact("picture-size")
        ...     client = SDSSCutouts(base_url=sandbox.base_url, max_attempts=1)
        ...     [cutout] = client.get(SkyCoord([19.0], [0.0], unit="deg"), size=64)
        >>> cutout.status
        'failed'
        """
        self._site.broken.add(*facts)

    def reset(self) -> None:
        """Delete the log of requests, remove all faults, and restore broken facts.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.reset()
        ...     sandbox.requests
        []
        """
        self._site.broken.clear()
        self._responder.faults.replace([])
        self._responder.log.clear()

    @staticmethod
    def pixel_of(
        ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float,
        scale: float, width: int, height: int,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Pixel coordinates of positions in a picture, by the server's own formula.

        Parameters
        ----------
        ra, dec : array_like
            Positions in degrees.
        ra0, dec0 : float
            The requested position in degrees.
        scale : float
            Arcseconds per pixel.
        width, height : int
            Size of the picture in pixels.

        Returns
        -------
        tuple of ndarray or float
            The x and the y, 0-based. Centres of pixels have whole numbers; row 0 is the
            northern edge.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> x, y = Sandbox.pixel_of(19.0, 0.01, 19.0, 0.0, scale=0.4, width=200, height=200)
        >>> print(f"{x:.1f} {y:.1f}")
        100.0 10.0
        """
        return projection.pixel_of(ra, dec, ra0, dec0, scale, width, height)
