"""Every fault of the simulated server, once and every time; writes the table in the docs.

``pytest tests/transfer --write-fault-table`` writes ``docs/_generated/faults.md`` again.
"""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from astropy.table import Table

from sdss_cutout import SDSSCutouts
from sdss_cutout._transfer import next_step
from sdss_cutout.sandbox import PICTURE_FAULTS, Fault, Sandbox, fault_variants

# Shorter than usual, so that the whole table takes seconds.
FIRST_WAIT, TIMEOUT, ATTEMPTS = 0.05, 1.0, 3

TARGETS = Table(
    {"name": ["hit", "a", "b", "c"], "ra": [19.5, 20.5, 21.5, 22.5], "dec": [0.5, 0.5, 0.5, 0.5]}
)


@dataclass(frozen=True)
class Expected:
    """What the fault comes to: status and requests when it happens once, and every time."""

    once: tuple[str, int]
    ever: tuple[str, int]
    message: str = ""
    options: tuple[tuple[str, object], ...] = ()


def retried(message, **options):
    return Expected(("ok", 2), ("failed", ATTEMPTS), message, tuple(options.items()))


def harmless(requests=1, **options):
    return Expected(("ok", requests), ("ok", requests), "", tuple(options.items()))


FAULTS = {
    "service_unavailable": retried("503 Service Unavailable: No server is available"),
    "too_many_requests": retried("429 Too Many Requests"),
    "error_json": retried("500 "),
    "error_jpeg": retried("500 "),
    "bad_request": Expected(("failed", 1), ("failed", 1), "400 "),
    "reset_before_answer": retried("the connection was reset"),
    "reset_in_body": retried("the connection was reset"),
    "short_body": retried("the body broke off"),
    "short_body_no_length": retried("200, but the picture is cut or corrupt"),
    "broken_chunking": retried("the body broke off"),
    "html": retried("200, but what came is not a JPEG"),
    "json": retried("200, but what came is not a JPEG"),
    "empty": retried("200 with an empty body"),
    "slow_body": retried("the response was incomplete after 1 s"),
    "slow_headers": retried("the response was incomplete after 1 s"),
    "silence": retried("the response was incomplete after 1 s"),
    "wrong_type": harmless(),
    "redirect_loop": Expected(
        ("ok", 7), ("failed", ATTEMPTS * 6), "more than 5 redirects, one after the other"
    ),
    "redirect_elsewhere": retried("redirected to http://", location="http://192.0.2.1/elsewhere"),
    "redirect_same_host": harmless(requests=2),
    "huge_body": retried("200 with a body of more than"),
    "gzip_bomb": retried("200 with a body of more than"),
    "truncated": retried("200, but the picture is cut or corrupt"),
    "truncated_with_eoi": retried("200, but the picture is cut or corrupt"),
    "corrupt": retried("200, but the picture is cut or corrupt"),
    "other_size": retried("200, but the picture is "),
    "blank": retried("200, but the picture is blank"),
    "outside_200": Expected(("outside", 1), ("outside", 1), "no SDSS imaging here"),
    "outside_404": Expected(("outside", 1), ("outside", 1), "no SDSS imaging here"),
    "delay": harmless(seconds=0.05),
    "proxy_page": retried("503 "),
}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", FIRST_WAIT)


def run(sandbox, directory, attempts=ATTEMPTS):
    client = SDSSCutouts(
        base_url=sandbox.base_url,
        max_rate=2_000,
        timeout=TIMEOUT,
        max_attempts=attempts,
        show_progress=False,
    )
    return client.download(TARGETS, directory, size=64)


def test_the_table_is_complete():
    assert set(FAULTS) == set(PICTURE_FAULTS)


@pytest.mark.parametrize("how_often", ["once", "ever"])
@pytest.mark.parametrize("name", FAULTS)
def test_fault(sandbox, tmp_path, name, how_often, fault_table):
    expected = FAULTS[name]
    status, requests = getattr(expected, how_often)
    check(sandbox, tmp_path, name, how_often, status, requests, ATTEMPTS, fault_table)


# The end of these bodies could be taken for the end of the connection, or the reverse.
SLOW_OR_BROKEN = (
    "slow_headers", "slow_body", "short_body", "short_body_no_length", "broken_chunking",
    "reset_in_body", "huge_body", "gzip_bomb", "truncated", "truncated_with_eoi", "empty",
)  # fmt: skip
VARIANTS = [(name, variant) for name in SLOW_OR_BROKEN for variant in fault_variants(name)[1:]]


def as_text(name, variant):
    return ", ".join([name, *(f"{option}={value}" for option, value in variant.items())])


@pytest.mark.parametrize("how_often", ["once", "ever"])
@pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=lambda value: str(value))
def test_faults_are_bounded_however_the_answer_ends(
    sandbox, tmp_path, name, variant, how_often, fault_table
):
    status = "ok" if how_often == "once" else "failed"
    check(sandbox, tmp_path, name, how_often, status, 2, 2, fault_table, **variant)


def check(sandbox, tmp_path, name, how_often, status, requests, attempts, fault_table, **variant):
    expected = FAULTS[name]
    times = 1 if how_often == "once" else None
    options = dict(expected.options) | variant
    sandbox.inject(Fault(name, times=times, match="ra=19.5", **options))

    started = time.monotonic()
    report = run(sandbox, tmp_path, attempts)
    seconds = time.monotonic() - started
    assert seconds < 30  # the slow ones would take minutes, but for the bound

    row, *others = report.table
    sent = [r for r in sandbox.picture_requests if r.query["ra"] == "19.5"]
    assert row["status"] == status
    assert [other["status"] for other in others] == ["ok"] * 3
    assert len(sent) == requests
    if status != "ok":
        assert expected.message in row["error"]
        assert not list(tmp_path.glob("hit*"))
    else:
        assert row["error"] == ""
        assert {path.name for path in tmp_path.glob("hit*")} == {"hit.jpg", "hit.wcs"}
    assert not list(tmp_path.glob(".*"))
    fault_table[as_text(name, variant), how_often] = (status, len(sent), seconds, row["error"])


def test_connection_refused(tmp_path):
    with Sandbox() as server:
        pass  # closed again: nothing listens there
    report = run(server, tmp_path)
    assert report.counts["failed"] == 4
    assert set(report.table["attempts"]) == {ATTEMPTS}
    assert set(report.table["error"]) == {"the connection was refused"}


def test_retry_after_holds_the_whole_client_back(sandbox, tmp_path):
    sandbox.inject(Fault("too_many_requests", times=1, match="ra=19.5", retry_after=1))
    client = SDSSCutouts(
        base_url=sandbox.base_url, max_rate=2_000, max_connections=1, show_progress=False
    )
    assert client.download(TARGETS, tmp_path, size=64).counts["ok"] == 4
    first, second, *_ = sandbox.picture_requests
    assert first.status == 429
    assert second.time - first.time >= 0.99


@pytest.mark.parametrize("date", [False, True])
def test_a_retry_after_of_an_hour_ends_the_target_at_once(sandbox, tmp_path, date):
    sandbox.inject(Fault("too_many_requests", match="ra=19.5", retry_after=3600, date=date))
    row = run(sandbox, tmp_path).table[0]
    assert row["status"] == "failed"
    assert "(Retry-After), more than the 600 s" in row["error"]
    assert len([r for r in sandbox.picture_requests if r.query["ra"] == "19.5"]) == 1


def test_the_rate_is_kept_retries_included(sandbox, tmp_path):
    sandbox.inject(Fault("error_json", times=2))
    client = SDSSCutouts(base_url=sandbox.base_url, max_rate=50, show_progress=False)
    assert client.download(TARGETS, tmp_path, size=64).counts["ok"] == 4
    times = [r.time for r in sandbox.picture_requests]
    assert len(times) == 12
    assert times[-1] - times[0] >= 11 / 50 - 0.01


def test_the_connections_are_kept(sandbox, tmp_path):
    sandbox.inject(Fault("delay", seconds=0.03))
    client = SDSSCutouts(
        base_url=sandbox.base_url, max_rate=2_000, max_connections=3, show_progress=False
    )
    targets = Table({"ra": [19.0 + i / 10 for i in range(12)], "dec": [0.0] * 12})
    client.download(targets, tmp_path, size=64)
    assert sandbox.max_in_flight <= 3


def test_nothing_is_left_behind(sandbox, tmp_path):
    sandbox.inject(Fault("silence", match="ra=19.5"))
    run(sandbox, tmp_path)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if re.fullmatch(r"sdss_cutout-(\d+|watchdog)", name)]


@pytest.fixture(scope="module")
def fault_table(request):
    """Rows of the table in the docs, which is written when that is asked for."""
    rows = {}
    yield rows
    if request.config.getoption("--write-fault-table"):
        path = Path(__file__).parents[2] / "docs" / "_generated" / "faults.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_markdown(rows), encoding="utf-8")


ENDINGS = {
    ("close", True): ", and the answer says `Connection: close`",
    ("http10", True): ", and the answer is in HTTP/1.0",
    ("length", True): ", and the answer says its length",
    ("length", False): ", and the answer does not say its length",
}


def ending(variant):
    return "".join(ENDINGS[option] for option in variant.items())


def as_markdown(rows):
    lines = [
        "| fault | what the server does | once: outcome | requests | s | every time: outcome "
        "| requests | s | error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows_in_order = [(name, {}) for name in FAULTS] + VARIANTS
    for name, variant in rows_in_order:
        text = as_text(name, variant)
        nothing = ("", 0, math.nan, "")
        once, ever = rows.get((text, "once"), nothing), rows.get((text, "ever"), nothing)
        error = ever[3].replace("|", "\\|")
        does = f"{PICTURE_FAULTS[name]}{ending(variant)}"
        lines.append(
            f"| `{text}` | {does} | {once[0]} | {once[1]} | {once[2]:.1f} "
            f"| {ever[0]} | {ever[1]} | {ever[2]:.1f} | {error} |"
        )
    return "\n".join(lines) + "\n"
