"""Asks the questions one by one, through the client's session, and judges the facts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sdss_cutout._check.answers import Answers, Judge, UnansweredError
from sdss_cutout._check.questions import QUESTIONS, Question
from sdss_cutout._check.report import UNKNOWN, Finding, Report, judge, now
from sdss_cutout._check.verdicts import fields, frames, marks, overlays, pictures, tables
from sdss_cutout._config import conf
from sdss_cutout._request.site import Site, check_root
from sdss_cutout._service.facts import FACTS
from sdss_cutout._service.sas import SAS
from sdss_cutout._transfer.classify import Answer, Kind, Response, classify_response
from sdss_cutout._transfer.error_text import one_line
from sdss_cutout._transfer.fetch import FetchSettings, FetchTask
from sdss_cutout._transfer.session import Session
from sdss_cutout.client import SDSSCutouts

__all__ = ["JUDGES", "MAX_REQUESTS", "check"]

MAX_REQUESTS = 20
# Requests per second to other people's servers.
POLITE_RATE = 2.0
# After so many questions in a row without an answer no more is asked.
_MOST_UNANSWERED = 3

JUDGES: dict[str, Judge] = {
    **pictures.JUDGES, **marks.JUDGES, **overlays.JUDGES, **tables.JUDGES, **fields.JUDGES,
    **frames.JUDGES,
}  # fmt: skip


def check(client: SDSSCutouts, *, max_rate: float | None = None) -> Report:
    """Ask a client's server whether it is what the package assumes.

    Parameters
    ----------
    client : SDSSCutouts
        Says which server and release; its sessions send the requests, `MAX_REQUESTS` at most.
    max_rate : float, optional
        Requests per second, 2 by default, or the client's own on this computer.

    Raises
    ------
    RequestError
        If ``conf.frames_url`` is not a URL.
    """
    site = client._site()
    frames_url, auth = check_root("frames_url", str(conf.frames_url), SAS.default_url)
    rate = max_rate or _polite_rate(site, client._settings())
    settings = replace(client._settings(), max_connections=1, max_rate=rate, max_attempts=2)
    frame_settings = replace(settings, max_rate=min(rate, SAS.max_rate), auth=auth)
    asker = _Asker(
        site=site,
        frames_url=frames_url,
        skyserver=(client._session, settings),
        sas=(client._frame_session, frame_settings),
    )
    asker.ask_all()
    return _report(asker, site)


def _polite_rate(site: Site, settings: FetchSettings) -> float:
    host = urlsplit(site.base_url).hostname or ""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    return settings.max_rate if is_here else min(POLITE_RATE, settings.max_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A question with its URL."""

    id: str
    url: str
    largest_body: int


_Way = tuple[Session, FetchSettings]


class _Asker:
    """Asks one question after the other, and counts the requests."""

    def __init__(self, *, site: Site, frames_url: str, skyserver: _Way, sas: _Way) -> None:
        self._skyserver, self._sas = skyserver, sas
        self.frames_url = frames_url
        self.requests = 0
        self.responses: dict[str, Response] = {}
        self.answers = Answers(site=site, responses=self.responses)

    def ask_all(self) -> None:
        """Ask what can be asked, until the server does not answer any more."""
        unanswered = 0
        for question in QUESTIONS:
            sent = self._sent(question)
            if sent is None or self.requests >= MAX_REQUESTS:
                continue
            self._ask(sent, of_frames=question.of_frames)
            unanswered = unanswered + 1 if self.answers.missing(sent.id) else 0
            never_answered = unanswered == len(self.responses)
            if unanswered >= _MOST_UNANSWERED or (
                never_answered and self.responses[sent.id].failure
            ):
                return

    def _sent(self, question: Question) -> _Sent | None:
        try:
            url = question.url(self.answers, self.frames_url)
        except UnansweredError:
            return None
        return _Sent(id=question.id, url=url, largest_body=question.largest_body)

    def _ask(self, sent: _Sent, *, of_frames: bool) -> None:
        task = FetchTask(index=0, name=sent.id, request=sent)
        session, settings = self._sas if of_frames else self._skyserver
        [_] = session.fetch([task], _finish, settings, self._classify)

    def _classify(self, sent: _Sent, response: Response) -> Answer:
        """Keep a response, and say whether it is asked again: if none came, or an overload."""
        self.requests += 1
        self.responses[sent.id] = response
        answer = classify_response(response, lambda _: Answer(kind=Kind.OK))
        is_final = answer.kind is Kind.FAULT and not response.failure
        if is_final or response.unreachable or self.requests >= MAX_REQUESTS:
            return replace(answer, kind=Kind.REFUSED)
        return answer


def _finish(_task: object, answer: Answer, _attempts: int) -> Answer:
    return answer


def _report(asker: _Asker, site: Site) -> Report:
    findings = [judge(fact, JUDGES[fact.id], asker.answers) for fact in FACTS.values()]
    unreachable = _unreachable(asker)
    if unreachable:
        findings = [Finding(fact=f.fact, verdict=UNKNOWN, seen="not asked") for f in findings]
    return Report(
        findings=findings,
        base_url=site.base_url,
        frames_url=asker.frames_url,
        release=site.release,
        requests=asker.requests,
        servers=_servers(asker.responses),
        date=now(),
        unreachable=unreachable,
    )


def _unreachable(asker: _Asker) -> str:
    """Return why there is no answer at all; empty if there is one."""
    reasons = [reason for id_ in asker.responses if (reason := asker.answers.missing(id_))]
    return reasons[0] if len(reasons) == len(asker.responses) else ""


def _servers(responses: dict[str, Response]) -> dict[str, str]:
    """Return what the servers call themselves."""
    frames = {question.id for question in QUESTIONS if question.of_frames}
    found: dict[str, str] = {}
    for question, response in responses.items():
        name = one_line(response.headers.get("Server", ""))[:80]
        if name:
            found.setdefault("frames" if question in frames else "skyserver", name)
    return found
