"""The report: one line per fact to read, and JSON to paste into an issue.

There is nothing personal in it: no paths, no names, no passwords.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from sdss_cutout._check.answers import Answers, Judge, UnansweredError
from sdss_cutout._service.facts import FACTS, Fact
from sdss_cutout._transfer.error_text import one_line

__all__ = ["DIFFERS", "HOLDS", "UNKNOWN", "Finding", "Report", "judge"]

HOLDS, DIFFERS, UNKNOWN = "holds", "differs", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one fact.

    Attributes
    ----------
    fact : Fact
        What is assumed.
    verdict : str
        ``holds``, ``differs`` or ``unknown``.
    seen : str
        What was seen, or why it is not known.
    """

    fact: Fact
    verdict: str
    seen: str


def judge(fact: Fact, judge_answers: Judge, answers: Answers) -> Finding:
    """Return what the answers say of a fact; whatever a server sends, this does not raise."""
    try:
        holds, seen = judge_answers(answers)
    except UnansweredError as error:
        return Finding(fact=fact, verdict=UNKNOWN, seen=one_line(str(error)))
    except Exception as error:  # noqa: BLE001, RUF100
        # A server that differs may send anything; one fact that cannot be judged for it must not
        # take the others' verdicts with it. The type alone, as a message may hold anything.
        return Finding(fact=fact, verdict=UNKNOWN, seen=f"{NOT_JUDGED} ({type(error).__name__})")
    return Finding(fact=fact, verdict=HOLDS if holds else DIFFERS, seen=one_line(seen))


NOT_JUDGED = "the answer could not be judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all facts.

    Attributes
    ----------
    findings : sequence of Finding
        In the order of `FACTS`.
    base_url, frames_url : str
        What was asked, without passwords.
    release : int
        SDSS data release.
    requests : int
        How many were sent.
    servers : mapping of str to str
        What SkyServer and the SAS call themselves.
    date : str
        When, UTC.
    unreachable : str
        Why there are no answers at all; empty if there are some.
    """

    findings: Sequence[Finding]
    base_url: str
    frames_url: str
    release: int
    requests: int
    servers: Mapping[str, str]
    date: str
    unreachable: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many facts hold, differ, and are unknown."""
        found = Counter(finding.verdict for finding in self.findings)
        return {verdict: found[verdict] for verdict in (HOLDS, DIFFERS, UNKNOWN)}

    def text(self) -> str:
        """Return one line per fact, and what they come to."""
        width = max(map(len, FACTS))
        lines = [
            f"{finding.verdict:<7}  {finding.fact.id:<{width}}  {finding.fact.statement}; "
            f"seen: {finding.seen}"
            for finding in self.findings
        ]
        hold, differ, unknown = self.counts.values()
        counts = f"{hold} hold, {differ} differ, {unknown} unknown"
        server = f"{self.base_url} (DR{self.release})"
        return "\n".join(
            [*lines, "", f"{counts}; {self.requests} requests to {server}, {self.date}"]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON is made of."""
        return {
            "package": f"sdss_cutout {version('sdss_cutout')}",
            "python": platform.python_version(),
            "date": self.date,
            "base_url": self.base_url,
            "frames_url": self.frames_url,
            "release": self.release,
            "servers": dict(self.servers),
            "requests": self.requests,
            "reached": not self.unreachable,
            "counts": self.counts,
            "facts": [
                {
                    "id": finding.fact.id,
                    "assumed": finding.fact.statement,
                    "seen": finding.seen,
                    "verdict": finding.verdict,
                    "source": finding.fact.source,
                    "used_by": finding.fact.used_by,
                }
                for finding in self.findings
            ],
        }


def now() -> str:
    """Return the time, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
