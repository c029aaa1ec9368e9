"""The rooms' imports run one way, and the sandbox stands apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sdss_cutout

PACKAGE = Path(sdss_cutout.__file__).parent

# A room imports from those before it only, be it at its top or when it is called.
ORDER = [
    "_errors", "_config", "_service", "_names", "_tables", "_targets", "_request", "_part",
    "_image", "_answer", "_pace", "_transport", "_fetch", "_wcs", "_avm", "_files", "_index",
    "_outcome", "_given", "_catalog", "_manifest", "_glance", "_plot", "_cutout", "_store",
    "_distribute", "_progress", "_download", "_montage", "_notebook", "_sheet", "_report", "_read",
    "client", "cli", "__main__",
]  # fmt: skip


def imported(path):
    """The modules that a file imports at run time, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_in(path):
    names = (name.split(".") for name in imported(path))
    return {parts[1] for parts in names if parts[0] == "sdss_cutout" and len(parts) > 1}


ROOMS = sorted(path for path in PACKAGE.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_imports_run_one_way(path):
    before = ORDER[: ORDER.index(path.stem)]
    # The command line starts the sandbox; what else it imports from the package are public names.
    found = rooms_in(path) & {*ORDER, "sandbox"}
    assert found <= {*before, "sandbox" if path.stem == "cli" else ""}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("sandbox/*.py")), ids=lambda path: path.stem)
def test_the_sandbox_stands_apart(path):
    assert rooms_in(path) <= {"sandbox"}


def test_one_room_sends():
    senders = [p.name for p in PACKAGE.rglob("*.py") if "requests" in set(imported(p))]
    assert senders == ["_transport.py"]
