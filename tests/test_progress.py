"""Progress: a bar where somebody looks, and no warning about what is not needed for it."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import pytest

from sdss_cutout._progress import Progress


@pytest.fixture
def _notebook_without_widgets(monkeypatch):
    """Look like a notebook's kernel whose environment has no ipywidgets."""
    for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("ipykernel", "ipykernel.zmqshell"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: None
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


@pytest.mark.usefixtures("_notebook_without_widgets")
def test_a_notebook_without_ipywidgets_gets_a_bar_of_text_and_no_warning(capsys):
    # Recorded, as tqdm swallows a warning that is raised.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with Progress(3, show=True) as progress:
            progress.add("ok", 3)

    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "ok 3" in shown
    assert not warned


def test_nothing_is_shown_where_nobody_looks(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with Progress(3, show=True) as progress:
        progress.add("ok", 2)
    assert capsys.readouterr().err == ""
    assert progress.summary() == "ok 2"
