"""The package declares what it uses, and loads what is heavy only when it is used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sdss_cutout

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE = Path(sdss_cutout.__file__).parent

# Distributions that are imported by another name.
IMPORTED_AS = {"pillow": "PIL"}


def names_of(requirements):
    """Return the names under which requirements are imported."""
    names = {re.match(r"[\w-]+", text)[0] for text in requirements}
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def imported():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module.partition(".")[0]


def test_what_is_imported_is_declared_and_the_other_way_round():
    extras = PROJECT["project"]["optional-dependencies"]
    core = names_of(PROJECT["project"]["dependencies"])
    optional = names_of(extras["tables"] + extras["hdf5"] + extras["calibrated"])
    ours = {"sdss_cutout", "mpl_toolkits", "_typeshed"}  # mpl_toolkits comes with matplotlib
    used = set(imported()) - ours - sys.stdlib_module_names
    assert used <= core | optional
    assert core <= used


def test_the_extras_for_the_readme_are_the_groups_of_the_same_name():
    for name in ("test", "docs"):
        assert (
            PROJECT["project"]["optional-dependencies"][name] == PROJECT["dependency-groups"][name]
        )


def test_every_dependency_has_a_floor_and_no_ceiling():
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    for requirement in (text for group in groups for text in group if isinstance(text, str)):
        assert re.fullmatch(r"[\w-]+(\[\w+\])?>=[\d.]+", requirement), requirement


# For the command line's speed, and so that a script need not have a display.
HEAVY = {"matplotlib", "jinja2", "pyavm", "pandas", "pyarrow", "h5py", "scipy", "reproject"}


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import sdss_cutout", HEAVY | {"astropy", "numpy", "requests", "PIL"}),
        ("from sdss_cutout import *", HEAVY | {"requests", "urllib3", "astroquery"}),
        ("import sdss_cutout.cli", HEAVY | {"astropy", "numpy", "requests"}),
    ],
)
def test_importing_does_not_load(code, unwanted):
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert not unwanted & {name.partition(".")[0] for name in loaded.split()}
