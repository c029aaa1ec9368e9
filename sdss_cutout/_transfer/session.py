"""What a client shares over all its calls and threads: rate, Retry-After, connections."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sdss_cutout._transfer.classify import Answer, Classifier, Request, classify_picture
from sdss_cutout._transfer.fetch import (
    ConnectionLimit,
    FetchSettings,
    Finisher,
    Transport,
    WorkerPool,
    fetch,
)
from sdss_cutout._transfer.on_demand import OnDemandFetcher
from sdss_cutout._transfer.rate_limiter import LimiterState, QueryBudget, RateLimiter
from sdss_cutout._transfer.work_queue import FetchTask

if TYPE_CHECKING:
    from astropy.table import Table

    from sdss_cutout._request.site import Site
    from sdss_cutout._transfer.transport import HTTPTransport

__all__ = ["Session"]

R = TypeVar("R", bound=Request)
T = TypeVar("T")


class Session:
    """The limits and connections of one client for one kind of server.

    Many threads may use it at once. Nothing is opened before the first request, and nothing has
    to be closed: connections that are not used any more go with the session.

    Parameters
    ----------
    max_rate : float, optional
        Requests per second, whatever the settings of a call say.
    max_connections : int, optional
        Requests under way at the same time, whatever the settings of a call say.
    transport : Transport, optional
        Sends the requests, in place of HTTP.
    state : LimiterState, optional
        What the limiter of another session for the same server knows.

    Attributes
    ----------
    limiter : RateLimiter
        Says when a request may go.
    """

    def __init__(
        self,
        *,
        max_rate: float | None = None,
        max_connections: int | None = None,
        transport: Transport | None = None,
        state: LimiterState | None = None,
    ) -> None:
        self._max_rate = max_rate
        self._max_connections = max_connections
        self._own_transport = transport
        self._begin(state)

    def _begin(self, state: LimiterState | None) -> None:
        self.limiter = RateLimiter(self._max_rate or math.inf, state=state)
        self._connections = ConnectionLimit()
        self._transport: HTTPTransport | None = None
        self._transport_for = 0  # connections
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a later call opens new ones. What the server asked for holds."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()

    def fetch(
        self,
        tasks: Iterable[FetchTask[R]],
        finish: Finisher[R, T],
        settings: FetchSettings,
        classify: Classifier = classify_picture,
    ) -> Iterator[T]:
        """Yield what ``finish`` makes of each task's last answer, in the order in which they end.

        Parameters
        ----------
        tasks : iterable of Task
            Taken one by one in the calling thread, a little ahead of the work.
        finish : Finisher
            Called in a worker thread with the task, its last answer and the number of attempts.
        settings : FetchSettings
            The bounds that hold from now on.
        classify : Classifier, optional
            Says what a response means.

        Raises
        ------
        Exception
            Whatever ``tasks`` or ``finish`` raise; everything under way is ended before.
        """
        return self._fetch(tasks, finish, settings, classify)

    def on_demand(self, settings: FetchSettings, classify: Classifier) -> OnDemandFetcher[R]:
        """Return what fetches tasks one by one, as threads ask for them; a context manager.

        Parameters
        ----------
        settings : FetchSettings
            The bounds that hold from now on.
        classify : Classifier
            Says what a response means.
        """
        settings = self._apply(settings)
        return OnDemandFetcher(
            partial(
                WorkerPool,
                settings=settings,
                classify=classify,
                transport=self._transport_of(settings),
                limiter=self.limiter,
                connections=self._connections,
                budget=None,
            )
        )

    def query_sql(self, sql: str, site: Site, settings: FetchSettings) -> Table:
        """Return the rows that an SQL query selects.

        Parameters
        ----------
        sql : str
            The query, in the server's dialect.
        site : Site
            Which server and release.
        settings : FetchSettings
            The bounds that hold from now on.

        Raises
        ------
        QueryError
            With the server's message, whatever form it has.
        """
        from sdss_cutout._transfer.sql.query import (  # here, as it imports astroquery
            SQLRequest,
            query_table,
        )

        def fetch_query(
            task: FetchTask[SQLRequest], classify: Classifier, budget: QueryBudget
        ) -> Answer:
            [answer] = self._fetch([task], _answer, settings, classify, budget)
            return answer

        return query_table(sql, site, fetch_query)

    def limiter_for(self, settings: FetchSettings) -> RateLimiter:
        """Return the limiter, at the rate of these settings."""
        self._apply(settings)
        return self.limiter

    def _fetch(
        self,
        tasks: Iterable[FetchTask[R]],
        finish: Finisher[R, T],
        settings: FetchSettings,
        classify: Classifier,
        budget: QueryBudget | None = None,
    ) -> Iterator[T]:
        settings = self._apply(settings)
        return fetch(
            tasks,
            finish,
            settings,
            classify,
            transport=self._transport_of(settings),
            limiter=self.limiter,
            connections=self._connections,
            budget=budget,
        )

    def _apply(self, settings: FetchSettings) -> FetchSettings:
        """Let the settings of a call hold, but for what is fixed; return what holds."""
        if self._process != os.getpid():
            self._begin(self.limiter.state())  # a fork must not use its parent's connections
        settings = replace(
            settings,
            max_rate=self._max_rate or settings.max_rate,
            max_connections=self._max_connections or settings.max_connections,
        )
        self.limiter.set_max_rate(settings.max_rate)
        self._connections.set_most(settings.max_connections)
        return settings

    def _transport_of(self, settings: FetchSettings) -> Transport:
        if self._own_transport is not None:
            return self._own_transport
        from sdss_cutout._transfer.transport import HTTPTransport  # here, as it imports requests

        with self._lock:
            if self._transport is None or self._transport_for < settings.max_connections:
                if self._transport is not None:
                    self._transport.close()
                self._transport = HTTPTransport(settings.max_connections)
                self._transport_for = settings.max_connections
            return self._transport


def _answer(_task: object, answer: Answer, _attempts: int) -> Answer:
    return answer
