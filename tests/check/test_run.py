"""The check on the sandbox: what holds, which broken facts are noticed, how politely it asks."""

from __future__ import annotations

import pytest
from jpegs import GOOD

from sdss_cutout import RequestError, SDSSCutouts, conf
from sdss_cutout._check.questions import QUESTIONS
from sdss_cutout._check.report import NOT_JUDGED
from sdss_cutout._check.run import JUDGES, MAX_REQUESTS, _polite_rate, check
from sdss_cutout._service.facts import FACTS
from sdss_cutout._transfer import next_step
from sdss_cutout._transfer.classify import Response
from sdss_cutout._transfer.session import Session
from sdss_cutout.sandbox import BREAKABLE_FACTS, Fault

# What the check says of a sandbox that breaks a fact: exactly these differ.
DIFFERING = {
    "picture-route": {
        "picture.route", "outside.reason", "outside.body", "error.status", "error.body",
    },
    "picture-size": {
        "picture.size", "picture.size_limits", "picture.projection", "picture.reference_pixel",
        "overlay.two_mass", "mark.place",
    },
    "picture-signature": {"picture.signature"},
    "size-clipping": {"picture.size_limits", "overlay.two_mass"},
    "scale-clipping": {"picture.min_scale"},
    "min-scale": {"picture.min_scale"},
    "max-scale": {"picture.max_scale"},
    "dec-wrapping": {"picture.wrap"},
    "picture-projection": {"picture.projection"},
    "picture-centre": {"mark.place"},
    "picture-orientation": {
        "picture.min_scale", "picture.reference_pixel", "picture.content", "mark.place",
    },
    "cross-place": {"picture.reference_pixel"},
    "star-place": {"picture.content"},
    "outside-status": {"outside.status"},
    "outside-reason": {"outside.reason"},
    "outside-body": {"outside.body", "outside.reason"},
    "bad-request-status": {"error.status"},
    "bad-request-form": {"error.body"},
    "overlay-letters": {"overlay.grid", "overlay.label", "overlay.invert"},
    "overlay-grid": {"overlay.grid"},
    "overlay-label": {"overlay.label"},
    "overlay-invert": {"overlay.invert"},
    "overlay-ruler": {"overlay.unread"},
    "wrong-marks": {"overlay.unread"},
    "mark-list": {"mark.list"},
    "sql-route": {"sql.json", "sql.error_json", "sql.primary_field"},
    "sql-page-route": {"sql.results_page", "sql.error_page", "sql.error_message"},
    "sql-columns": {"sql.results_page"},
    "sql-identifiers": {"sql.identifiers", "sql.primary_field"},
    "sql-json-default": {"sql.json"},
    "sql-csv-table-line": {"sql.first_line"},
    "sql-error-form": {"sql.error_json"},
    "sql-page-error-form": {"sql.error_page"},
    "sql-refusal-form": {"sql.error_message"},
    "sql-primary-field": {"sql.primary_field"},
    "field-search": {"fields.array", "fields.urls"},
    "field-columns": {"fields.array"},
    "field-search-columns": {"fields.urls"},
    "field-centres": {"fields.radius"},
    "field-paths": {"fields.path"},
    "field-urls": {"fields.urls"},
    "frame-path": {"frame.file"},
    "frame-compression": {"frame.file"},
    "frame-header": {"frame.header", "frame.calibration"},
    "frame-unit": {"frame.unit"},
    "frame-calibration": {"frame.calibration"},
    "frame-sky": {"frame.sky"},
    "frame-index": {"frame.index", "frame.astrometry"},
    "frame-wcs": {"frame.astrometry"},
    "frame-astrometry": {"frame.parts"},
}  # fmt: skip
# The client always says the size, and has one spelling of paths; and a server is not made to fail
# for the sake of a check.
NOT_ASKED = {"picture-defaults", "path-case", "drawing-error-form"}


def verdicts(report):
    return {finding.fact.id: finding.verdict for finding in report.findings}


def with_verdict(report, verdict):
    return {fact for fact, found in verdicts(report).items() if found == verdict}


def test_every_fact_is_judged_and_can_be_broken():
    assert set(JUDGES) == set(FACTS)
    assert set().union(*DIFFERING.values()) == set(FACTS)
    assert set(DIFFERING) | NOT_ASKED == set(BREAKABLE_FACTS)


def test_all_facts_hold_on_the_sandbox(ask, server):
    report = ask()
    assert {f.fact.id: f.seen for f in report.findings if f.verdict != "holds"} == {}
    assert report.requests == len(server.requests) == len(QUESTIONS) < MAX_REQUESTS
    assert report.servers == dict.fromkeys(("skyserver", "frames"), "sdss_cutout-sandbox/SIMULATED")


@pytest.mark.parametrize("broken", DIFFERING)
def test_a_broken_fact_is_noticed(ask, server, broken):
    server.break_fact(broken)
    report = ask()
    assert with_verdict(report, "differs") == DIFFERING[broken]
    assert not [f.seen for f in report.findings if f.seen.startswith(NOT_JUDGED)]
    assert len(server.requests) <= MAX_REQUESTS


def test_an_old_server_says_200_outside(ask, server):
    server.break_fact("outside-status")
    assert verdicts(ask())["outside.reason"] == "unknown"


def test_what_cannot_be_asked_is_unknown(ask, server):
    server.break_fact("sql-page-route")
    found = verdicts(ask())
    assert found["picture.content"] == "unknown"
    server.reset()
    server.break_fact("field-search")
    found = verdicts(ask())
    assert {verdict for fact, verdict in found.items() if fact.startswith("frame.")} == {"unknown"}
    assert not server.frame_requests


def test_the_limit_of_queries_is_not_a_difference(ask, server):
    server.inject(Fault("sql_rate_limit"))
    report = ask()
    assert with_verdict(report, "differs") <= {"sql.error_page", "sql.json", "sql.error_json"}
    assert verdicts(report)["sql.results_page"] == "unknown"


# ------------------------------------------------------------------------ faults and politeness


@pytest.fixture
def _no_delay(monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)


@pytest.mark.usefixtures("_no_delay")
def test_an_interrupted_answer_is_asked_for_again(ask, server):
    server.inject(Fault("reset_before_answer", times=1, match="opt=GI"))
    report = ask()
    assert report.counts["holds"] == len(FACTS)
    assert report.requests == len(server.requests) == MAX_REQUESTS


@pytest.mark.usefixtures("_no_delay")
@pytest.mark.parametrize(
    "fault", ["redirect_loop", "reset_in_body", "error_json", "html", "sql_html_200"]
)
def test_not_more_than_20_requests_whatever_the_server_does(ask, server, fault):
    server.inject(Fault(fault, share=0.8))
    report = ask()
    assert report.requests == len(server.requests) <= MAX_REQUESTS
    assert not [f.seen for f in report.findings if f.seen.startswith(NOT_JUDGED)]


class FakeTransport:
    """Answers the first requests with a picture, and nothing else."""

    def __init__(self, answered):
        self.left, self.sent = answered, 0

    def send(self, url, request, deadline, auth):
        self.sent += 1
        self.left -= 1
        if self.left >= 0:
            return Response(url=url, status=200, reason="OK", content=GOOD)
        return Response(url=url, failure="no answer came in time")

    def close(self):
        pass


@pytest.mark.usefixtures("_no_delay")
@pytest.mark.parametrize(("answered", "requests"), [(0, 2), (1, 1 + 3 * 2), (4, 4 + 3 * 2)])
def test_a_server_that_does_not_answer_is_not_asked_on(answered, requests):
    client = SDSSCutouts(base_url="http://sky.example", max_rate=5_000)
    transport = FakeTransport(answered)
    client._session = Session(transport=transport)
    report = check(client, max_rate=5_000)
    assert report.requests == transport.sent == requests
    assert bool(report.unreachable) == (answered == 0)


@pytest.mark.parametrize(
    ("base_url", "max_rate", "rate"),
    [
        ("https://skyserver.sdss.org", 10, 2),
        ("https://skyserver.sdss.org", 0.5, 0.5),
        ("http://127.0.0.1:8000", 10, 10),
        ("http://[::1]:8000", 10, 10),
        ("http://localhost:8000", 10, 10),
        ("http://127.example.org", 10, 2),
    ],
)
def test_other_peoples_servers_are_asked_slowly(base_url, max_rate, rate):
    client = SDSSCutouts(base_url=base_url, max_rate=max_rate)
    assert _polite_rate(client._site(), client._settings()) == rate


def test_requests_are_the_clients_own(ask, server):
    ask()
    agents = {record.user_agent for record in server.requests}
    assert len(agents) == 1
    assert agents.pop().startswith("sdss_cutout/")


def test_a_wrong_frames_url_is_refused(server):
    client = SDSSCutouts(base_url=server.base_url)
    conf.frames_url = "nonsense"
    with pytest.raises(RequestError, match="frames_url = 'nonsense' is not a URL"):
        check(client)
    assert not server.requests


# -------------------------------------------------------------------------------- the real server


@pytest.mark.remote_data
@pytest.mark.enable_socket
def test_the_live_server():
    report = check(SDSSCutouts(show_progress=False))
    assert not report.unreachable
    assert with_verdict(report, "differs") == set(), report.text()
