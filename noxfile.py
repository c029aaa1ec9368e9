#!/usr/bin/env python3
# /// script
# dependencies = ["nox>=2025.2"]
# ///
"""Runs the checks of this project, each in an environment of its own: `nox -l` lists them.

`.ci/run` runs the same sessions with ``--no-venv`` in one environment, which saves minutes.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import nox
from nox.virtualenv import PassthroughEnv

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"

ROOT = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# The parts of the tests that need no more than the package and the extra `test`.
CORE_TESTS = [
    "tests/targets", "tests/request", "tests/service", "tests/image", "tests/store",
    "tests/transfer", "tests/results", "tests/test_client.py", "tests/test_cli.py",
]  # fmt: skip
# Those that skip where the extra `test` is all there is: they open what was exported, show pages in
# a browser, fetch by Dask's workers, or check docstrings.
EXTRA_TESTS = [
    "docs/howto/training_sets.rst", "docs/tutorials/training_set.rst",
    "tests/download/calibrated/test_executors.py", "tests/download/test_executors.py",
    "tests/download/test_stream.py", "tests/export/test_card.py", "tests/export/test_export.py",
    "tests/export/test_formats.py", "tests/export/test_multimodal.py", "tests/export/test_place.py",
    "tests/export/test_traps.py", "tests/request/test_quantities.py",
    "tests/targets/test_arrays.py", "tests/targets/test_binary.py", "tests/targets/test_files.py",
    "tests/test_docs.py::test_public_names_are_documented", "tests/views/test_sheet.py",
    "tests/views/test_sheet_grid.py", "tests/views/test_sheet_marks.py",
    "tests/views/test_sheet_viewer.py",
]  # fmt: skip
# What the sdist must be able to run after it is unpacked.
SDIST_TESTS = ["tests/request", "tests/service", "tests/test_api.py", "tests/test_imports.py"]

BIOME, TYPESCRIPT, PYRIGHT = "@biomejs/biome@2.6.8", "typescript@7.0.2", "pyright@1.1.414"


def install(session: nox.Session, *packages: str, groups: tuple[str, ...] = ()) -> None:
    """Install packages and dependency groups, unless the session uses the environment it is in."""
    if not isinstance(session.virtualenv, PassthroughEnv):
        options = [option for group in groups for option in ("--group", group)]
        session.run_install("pip", "install", "--quiet", "pip>=25.1", "--upgrade")
        session.install(*packages, *options)


def npx(session: nox.Session, package: str, *command: str, silent: bool = False) -> str:
    """Run a program from the npm registry, which needs Node.js on this machine."""
    return session.run(
        "npx", "--yes", "--package", package, *command, external=True, silent=silent,
        success_codes=[0, 1] if silent else [0],
    )  # fmt: skip


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests that need no more than `pip install ".[test]"`."""
    install(session, ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def extras(session: nox.Session) -> None:
    """Run the tests that need extras, a browser, or readers of training sets."""
    groups = ("browser", "readers")
    install(session, ".[test,docs,all]", groups=groups)
    session.run("pytest", *(session.posargs or EXTRA_TESTS))


@nox.session(default=False)
def oldest(session: nox.Session) -> None:
    """Run the core tests with the oldest versions of the dependencies that are declared."""
    project = PROJECT["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["test"]
    pins = Path(session.create_tmp()) / "oldest.txt"
    pins.write_text("\n".join(map(_oldest, declared)), encoding="utf-8")
    session.install("--constraint", str(pins), ".[test]")
    # The old versions warn of what newer ones of their own dependencies have deprecated.
    session.run("pytest", "-W", "ignore::DeprecationWarning", *(session.posargs or CORE_TESTS))


def _oldest(requirement: str) -> str:
    """Return `name>=version` as `name==version`."""
    name, version = re.fullmatch(r"([\w-]+)(?:\[.*\])?>=([\w.]+)", requirement).groups()
    return f"{name}=={version}"


@nox.session
def lint(session: nox.Session) -> None:
    """Check form, spelling and types of the code, and the contact sheet's JavaScript."""
    install(session, ".", groups=("lint",))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("codespell")
    session.run("rumdl", "check", ".")
    npx(session, BIOME, "biome", "ci")
    npx(session, TYPESCRIPT, "tsc", "-p", "jsconfig.json")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types that users see: 99% are complete, and a user's script passes strictly."""
    install(session, ".", groups=("lint",))
    # Elsewhere, so that the installed package is checked, not this folder.
    with TemporaryDirectory() as folder, session.chdir(folder):
        session.run("mypy", "--strict", str(ROOT / "tests" / "typing" / "consumer.py"))
        python = session.run("python", "-c", "import sys; print(sys.executable)", silent=True)
        report = npx(
            session, PYRIGHT, "pyright", "--verifytypes", "sdss_cutout", "--ignoreexternal",
            "--outputjson", "--pythonpath", python.strip(), silent=True,
        )  # fmt: skip
    # npm may say something before and after.
    found = _incomplete(json.JSONDecoder().raw_decode(report, report.index("{"))[0])
    session.log("%d of %d public names are typed", found["typed"], found["all"])
    if found["typed"] < 0.99 * found["all"]:
        session.error("\n".join(["not typed:", *found["names"]]))


def _incomplete(report: dict) -> dict:
    """Count the exported names; astropy does not type the base of the class Conf."""
    symbols = [
        symbol
        for symbol in report["typeCompleteness"]["symbols"]
        if symbol["isExported"] and not symbol["name"].startswith("sdss_cutout._config.Conf")
    ]
    names = [symbol["name"] for symbol in symbols if not symbol["isTypeKnown"]]
    return {"all": len(symbols), "typed": len(symbols) - len(names), "names": names}


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site; warnings are errors, and no network is needed."""
    install(session, ".[docs]")
    session.run("sphinx-build", "-W", "-n", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Build sdist and wheel, check both, and run the sdist's tests against the wheel."""
    install(session, ".[test]", groups=("package",))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
    [wheel], [sdist] = (ROOT / "dist").glob("*.whl"), (ROOT / "dist").glob("*.tar.gz")
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    session.run("check-wheel-contents", str(wheel))
    session.run("validate-pyproject", "pyproject.toml")
    session.run("pyroma", "--min", "10", ".")
    session.run("sp-repo-review", ".")
    session.run("pip", "install", "--quiet", "--force-reinstall", "--no-deps", str(wheel))
    with TemporaryDirectory() as folder, tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
        with session.chdir(Path(folder, sdist.name.removesuffix(".tar.gz"))):
            session.run("pytest", *SDIST_TESTS)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Run the demo of the installed package, away from this folder."""
    install(session, ".")
    with TemporaryDirectory() as folder, session.chdir(folder):
        session.run("sdss-cutout", "demo", "-o", "demo")


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run all tests and tell which lines of the client none of them reaches."""
    install(session, ".[test,docs,all]", groups=("browser", "readers", "coverage"))
    session.env["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
    session.run("coverage", "erase")
    session.run("pytest", *session.posargs)
    coverage_report(session)


@nox.session(default=False)
def coverage_report(session: nox.Session) -> None:
    """Tell what the test runs since the last `coverage erase` have reached."""
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


if __name__ == "__main__":
    nox.main()
