"""The command ``sdss-cutout check``: what it prints and writes, and its exit status."""

from __future__ import annotations

import getpass
import json
import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdss_cutout._service.facts import FACTS
from sdss_cutout._transfer import next_step
from sdss_cutout.cli import main
from sdss_cutout.sandbox import Fault


@pytest.fixture
def run(server):
    """Runs the command on the sandbox, or elsewhere."""

    def check(*arguments, base_url=server.base_url, frames_url=server.frames_url):
        given = ["--base-url", base_url, "--frames-url", frames_url, "--max-rate", "5000"]
        return CliRunner().invoke(main, ["check", *given, *arguments], catch_exceptions=False)

    return check


@pytest.fixture
def closed_port():
    """A port of this computer on which nothing listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def test_one_line_per_fact(run):
    result = run()
    assert result.exit_code == 0
    assert result.stderr == ""
    *lines, empty, summary = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["holds", fact] for fact in FACTS]
    assert all("; seen: " in line for line in lines)
    assert empty == ""
    assert summary.startswith(f"{len(FACTS)} hold, 0 differ, 0 unknown; 19 requests to http")


def test_a_fact_that_differs(run, server):
    server.break_fact("picture-signature")
    result = run()
    assert result.exit_code == 1
    [line] = [line for line in result.stdout.splitlines() if line.startswith("differs")]
    assert line.split()[1] == "picture.signature"
    assert line.endswith("seen: JFIF 1.01, 0 x 0 dpi, quality 90, 4:4:4, no EXIF")


def test_an_unknown_fact_is_not_a_difference(run, server, closed_port):
    result = run(frames_url=f"http://127.0.0.1:{closed_port}/sas")
    assert result.exit_code == 0
    [line] = [line for line in result.stdout.splitlines() if " frame.file " in line]
    assert line.startswith("unknown")
    assert line.endswith("seen: no answer (frame): the connection was refused")


def test_a_server_that_cannot_be_reached(run, closed_port, tmp_path):
    base_url = f"http://127.0.0.1:{closed_port}"
    result = run(base_url=base_url)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: the server at {base_url} cannot be reached: "
        "no answer (plain): the connection was refused\n"
    )
    report = json.loads(run("--json", base_url=base_url).stdout)
    assert report["reached"] is False
    assert report["requests"] == 1
    assert report["counts"] == {"holds": 0, "differs": 0, "unknown": len(FACTS)}


def test_a_server_that_is_overloaded(run, server, monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)
    server.inject(Fault("service_unavailable"))
    result = run()
    assert result.exit_code == 3
    assert "the server is overloaded (plain): 503" in result.stderr
    assert len(server.requests) == 6


def test_json(run, server, tmp_path):
    server.break_fact("outside-status")
    path = tmp_path / "report.json"
    result = run("--json", "-o", str(path), "--release", "16")
    assert result.exit_code == 1
    assert result.stdout.count("\n") == 1
    report = json.loads(result.stdout)
    assert report == json.loads(path.read_text("utf-8"))
    assert list(report) == [
        "package", "python", "date", "base_url", "frames_url", "release", "servers", "requests",
        "reached", "counts", "facts",
    ]  # fmt: skip
    assert report["release"] == 16
    assert report["counts"] == {"holds": len(FACTS) - 2, "differs": 1, "unknown": 1}
    [found] = [fact for fact in report["facts"] if fact["verdict"] == "differs"]
    assert found == {
        "id": "outside.status",
        "assumed": FACTS["outside.status"].statement,
        "seen": "200",
        "verdict": "differs",
        "source": "S: getJpegController.cs; U",
        "used_by": "_transfer.classify",
    }


def test_text_and_file(run, tmp_path):
    path = tmp_path / "report.json"
    result = run("-o", str(path))
    assert result.stdout.startswith("holds")
    assert json.loads(path.read_text("utf-8"))["counts"]["holds"] == len(FACTS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_file_that_cannot_be_written(run, tmp_path):
    result = run("-o", str(tmp_path / "nowhere" / "report.json"))
    assert result.exit_code == 1
    assert result.stdout.startswith("holds")
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_personal(run, server, tmp_path):
    with_password = server.base_url.replace("://", "://someone:secret@")
    result = run("--json", base_url=with_password, frames_url=f"{with_password}/sas")
    report = json.loads(result.stdout)
    assert report["base_url"] == server.base_url
    assert report["frames_url"] == server.frames_url
    words = ("someone", "secret", getpass.getuser(), str(Path.home()), socket.gethostname())
    found = [word for word in words if re.search(rf"\b{re.escape(word)}\b", result.stdout)]
    assert found == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--release", "3"], "--release = 3 is outside 7..19"),
        (["--base-url", "nonsense"], "--base-url = 'nonsense' is not a URL"),
        (["--frames-url", "nonsense"], "--frames-url = 'nonsense' is not a URL"),
        (["--max-rate", "-1"], "--max-rate = -1.0 is not a positive number"),
        (["--timeout", "0"], "--timeout = 0.0 is not a positive number"),
    ],
)
def test_wrong_use(run, server, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not server.requests


def test_help():
    text = CliRunner().invoke(main, ["check", "--help"]).stdout
    for option in ("--release", "--base-url", "--frames-url", "--json", "-o, --output"):
        assert option in text
