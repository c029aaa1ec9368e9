"""Imports run one way between the layers, and the sandbox stands apart."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sdss_cutout

PACKAGE = Path(sdss_cutout.__file__).parent

# A layer imports from those above it in this list and from itself: at the top of a module, inside
# a function, and for type checking alike.
LAYERS = [
    "_errors", "_config", "_progress", "_service", "_targets", "_request", "_image", "_frames",
    "_transfer", "_store", "_views", "_export", "_results", "_download", "client", "_check", "_cli",
    "cli", "__main__",
]  # fmt: skip


def imported(path):
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layers_in(path):
    names = (name.split(".") for name in imported(path))
    return {parts[1] for parts in names if parts[0] == "sdss_cutout" and len(parts) > 1}


def layer_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def identify(path):
    return str(path.relative_to(PACKAGE))


MODULES = sorted(PACKAGE.rglob("*.py"))
CLIENT = [path for path in MODULES if layer_of(path) not in ("sandbox", "__init__")]
SANDBOX = [path for path in MODULES if layer_of(path) == "sandbox"]


@pytest.mark.parametrize("path", CLIENT, ids=identify)
def test_imports_run_one_way(path):
    layer = layer_of(path)
    allowed = {*LAYERS[: LAYERS.index(layer) + 1]}
    # The command line starts the sandbox; what else it imports from the package are public names.
    found = layers_in(path) & {*LAYERS, "sandbox"}
    allowed |= {"sandbox"} if layer == "cli" else set()
    assert found <= allowed


@pytest.mark.parametrize("path", SANDBOX, ids=identify)
def test_the_sandbox_stands_apart(path):
    assert layers_in(path) <= {"sandbox"}


def test_one_layer_sends():
    libraries = {"requests", "urllib3"}
    senders = {layer_of(p) for p in MODULES if libraries & {n.split(".")[0] for n in imported(p)}}
    assert senders == {"_transfer"}


@pytest.mark.parametrize("folder", sorted({p.parent for p in CLIENT}), ids=identify)
def test_a_folder_fits_on_a_screen(folder):
    assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) < 12
