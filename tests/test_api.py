"""The public face."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files

import pytest

import sdss_cutout

PUBLIC = [
    "CalibratedCutout", "Conf", "Cutout", "CutoutError", "CutoutList", "DownloadReport", "Export",
    "ImageError", "OutsideFootprintError", "QueryError", "RequestError", "SDSSCutouts",
    "ServiceError", "StoreError", "TargetError", "conf", "read_cutouts", "read_marks",
]  # fmt: skip


def test_the_public_names():
    assert sdss_cutout.__all__ == PUBLIC
    assert dir(sdss_cutout) == sdss_cutout.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_explained_with_examples(name):
    found = getattr(sdss_cutout, name)
    shown = found if inspect.isclass(found) or inspect.isfunction(found) else type(found)
    assert "Examples\n--------\n>>> " in inspect.getdoc(shown)


# Not Conf, whose module names its section in the configuration file.
@pytest.mark.parametrize("name", [n for n in PUBLIC if n[0].isupper() and n != "Conf"])
def test_each_public_name_is_at_home_in_the_package(name):
    assert getattr(sdss_cutout, name).__module__ == "sdss_cutout"


def test_the_version_is_that_of_the_installed_package():
    assert sdss_cutout.__version__ == version("sdss_cutout")


def test_an_unknown_name():
    with pytest.raises(AttributeError) as caught:
        sdss_cutout.nothing  # noqa: B018
    assert str(caught.value) == "module 'sdss_cutout' has no attribute 'nothing'"


ERRORS = [name for name in PUBLIC if name.endswith("Error")]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_a_cutout_error(name):
    assert issubclass(getattr(sdss_cutout, name), sdss_cutout.CutoutError)


def test_bad_input_is_a_value_error_too():
    assert issubclass(sdss_cutout.TargetError, ValueError)
    assert issubclass(sdss_cutout.RequestError, ValueError)


def test_the_package_is_typed():
    assert files(sdss_cutout).joinpath("py.typed").is_file()


def test_importing_the_package_loads_nothing_heavy():
    heavy = "astropy astroquery matplotlib numpy PIL requests"
    code = (
        "import sys, sdss_cutout; dir(sdss_cutout); "
        f"print(*(name for name in {heavy.split()} if name in sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == ""


METHODS = [
    "get", "download", "query_sql", "get_sql", "download_sql", "url", "navigate_url", "explore_url"
]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_all_but_what_is_asked_for_is_given_by_name(name):
    parameters = inspect.signature(getattr(sdss_cutout.SDSSCutouts, name)).parameters.values()
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_place[0] == "self"
    assert len(by_place) == (3 if name.startswith("download") else 2)


def test_the_constructor():
    assert str(inspect.signature(sdss_cutout.SDSSCutouts)).replace("'", "") == (
        "(data_release: int | None = None, *, base_url: str | None = None, "
        "max_connections: int | None = None, max_rate: float | None = None, "
        "timeout: float | None = None, max_attempts: int | None = None, "
        "show_progress: bool | None = None) -> None"
    )
