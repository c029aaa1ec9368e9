"""A training set appears whole, or not at all, and nothing else is harmed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from exports import row_of

from sdss_cutout import ImageError, RequestError, StoreError
from sdss_cutout._export import place
from sdss_cutout._export.export import export
from sdss_cutout._export.formats import FORMATS

FORMS = [pytest.param(name, id=name) for name in FORMATS]


def needed(form):
    """Skip where the format's library is missing."""
    pytest.importorskip({"parquet": "pyarrow", "hdf5": "h5py"}.get(form, "json"))


@pytest.fixture
def source(tmp_path):
    return row_of(8, folder=tmp_path / "pics")


def contents(path):
    """All files below a path, with what is in them."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(p.relative_to(path)): p.read_bytes() for p in files}


@pytest.mark.parametrize("form", FORMS)
def test_what_exists_is_refused(form, source, tmp_path):
    needed(form)
    export(source, tmp_path / "set", form)
    before = contents(tmp_path / "set")
    with pytest.raises(StoreError, match=r"set exists; give another path, or overwrite=True"):
        export(source, tmp_path / "set", form)
    assert contents(tmp_path / "set") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pics", "set"]


@pytest.mark.parametrize("form", FORMS)
def test_overwrite_replaces_a_set(form, source, tmp_path):
    needed(form)
    export(source, tmp_path / "set", "imagefolder")
    export(source, tmp_path / "set", form, overwrite=True)
    assert (tmp_path / "set").is_file() == FORMATS[form].is_file
    export(row_of(2, folder=tmp_path / "pics"), tmp_path / "set", form, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pics", "set"]


def test_overwrite_deletes_nothing_that_is_no_training_set(source, tmp_path):
    thesis = tmp_path / "set" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    export(source, tmp_path / "set", overwrite=True)
    assert not thesis.exists()
    [kept] = tmp_path.glob("set.old-*")
    assert (kept / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("where", ["pics", ".", "pics/../pics"])
def test_the_pictures_are_never_overwritten(where, source, tmp_path):
    before = contents(tmp_path / "pics")
    with pytest.raises(RequestError, match="cannot be replaced: the pictures that are exported"):
        export(source, tmp_path / where, overwrite=True)
    assert contents(tmp_path / "pics") == before


@pytest.mark.parametrize("name", ["t1.jpg", "t1.wcs"])
def test_a_file_of_the_download_is_never_overwritten(name, source, tmp_path):
    before = contents(tmp_path / "pics")
    with pytest.raises(RequestError, match="is a part of the download"):
        export(source, tmp_path / "pics" / name, "ds9", overwrite=True)
    assert contents(tmp_path / "pics") == before


def test_the_working_directory_is_never_overwritten(source, tmp_path, monkeypatch):
    (tmp_path / "set" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "set" / "deep")
    with pytest.raises(RequestError, match="you are, or your home is, in it"):
        export(source, tmp_path / "set", overwrite=True)


def test_a_set_in_the_folder_of_the_pictures(source, tmp_path):
    export(source, tmp_path / "pics" / "set")
    export(source, tmp_path / "pics" / "set", overwrite=True)
    assert len(list((tmp_path / "pics" / "set" / "train").glob("*.jpg"))) == 8


def test_a_folder_that_is_not_there_yet_and_home(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    result = export(source, "~/a/b/set")
    assert result.path == tmp_path / "a" / "b" / "set"
    assert result.path.is_dir()


def test_a_link_is_followed(source, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    export(source, tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "README.md").is_file()


# ---------------------------------------------------------------- errors and interruptions


class Failing:
    """A list whose picture number 5 raises."""

    def __init__(self, source, error):
        self.source = source
        self.error = error

    def __len__(self):
        return len(self.source)

    def __getitem__(self, rows):
        return self.source[rows]

    def __iter__(self):
        for number, picture in enumerate(self.source):
            if number == 5:
                raise self.error
            yield picture


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), ImageError("it is damaged")])
def test_nothing_is_left_after_an_error(form, error, source, tmp_path):
    needed(form)
    with pytest.raises(type(error)):
        export(Failing(source, error), tmp_path / "set", form)
    assert [p.name for p in tmp_path.iterdir()] == ["pics"]
    export(source, tmp_path / "set", form)
    before = contents(tmp_path / "set")
    with pytest.raises(type(error)):
        export(Failing(source, error), tmp_path / "set", form, overwrite=True)
    assert contents(tmp_path / "set") == before


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_an_error(form, source, tmp_path, monkeypatch):
    needed(form)
    export(source, tmp_path / "set", form)
    before = contents(tmp_path / "set")
    if form == "hdf5":
        monkeypatch.setattr(place.shutil, "disk_usage", lambda _: FreeSpace(1000))
        message = "the training set takes .* GB, and 0.00 GB are free"
    else:
        monkeypatch.setattr(Path, "write_text", full_disk)
        monkeypatch.setattr(place, "link_or_write", full_disk)
        message = "No space left on device"
        if FORMATS[form].is_file:
            monkeypatch.setattr(Path, "rename", full_disk)
            monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(StoreError, match=message):
        export(source, tmp_path / "set", form, overwrite=True)
    monkeypatch.undo()
    assert contents(tmp_path / "set") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pics", "set"]


class FreeSpace:
    def __init__(self, free):
        self.free = free


def full_disk(*_args, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


LIMITED = """
import resource, signal, sys
sys.path.insert(0, {support!r})
from pathlib import Path
from exports import row_of
from sdss_cutout import StoreError
from sdss_cutout._export.export import export
source = row_of(40, folder=Path({folder!r}, "pics"), size=64)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    export(source, Path({folder!r}, "set"), {form!r})
except StoreError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs Unix")
@pytest.mark.parametrize("form", ["imagefolder", "parquet", "webdataset", "hdf5", "zoobot"])
def test_a_disk_that_fills_up_while_writing(form, tmp_path):
    # Files may not grow beyond 30 kB, which the system tells as it tells of a full disk. HDF5
    # would end the process with a segmentation fault.
    needed(form)
    support = str(Path(__file__).parent.parent / "support")
    code = LIMITED.format(support=support, folder=str(tmp_path), form=form)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused:"), done
    assert [p.name for p in tmp_path.iterdir()] == ["pics"]


KILLED = """
import sys, time
sys.path.insert(0, {support!r})
from pathlib import Path
from exports import Pictures, row_of
from sdss_cutout._export.export import export
source = row_of(8, folder=Path({folder!r}, "pics"))
class Slow(Pictures):
    def __iter__(self):
        for number, picture in enumerate(self.pictures):
            if number == 5:
                print("half", flush=True)
                time.sleep(60)
            yield picture
export(Slow(source.pictures, {{}}), Path({folder!r}, "set"), {form!r}, overwrite=True)
"""


@pytest.mark.parametrize("form", ["imagefolder", "webdataset", "ds9"])
def test_killed_half_way(form, source, tmp_path, monkeypatch):
    export(source, tmp_path / "set", form)
    before = contents(tmp_path / "set")
    support = str(Path(__file__).parent.parent / "support")
    code = KILLED.format(support=support, folder=str(tmp_path), form=form)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert contents(tmp_path / "set") == before
    [left] = tmp_path.glob(".export-part-*")
    # A minute later the next export takes it away.
    os.utime(left, (time.time() - 61,) * 2)
    export(source, tmp_path / "other", form)
    assert not list(tmp_path.glob(".export-part-*"))


def test_an_export_that_runs_is_left_alone(source, tmp_path):
    with place.placed(tmp_path / "slow", overwrite=False) as part:
        os.utime(part.parent, (time.time() - 3600,) * 2)
        export(source, tmp_path / "set")
        part.mkdir()
    assert (tmp_path / "slow").is_dir()


def test_somebody_else_was_first(source, tmp_path):
    def write_while_another_does():
        with place.placed(tmp_path / "set", overwrite=False) as part:
            part.mkdir()
            export(source, tmp_path / "set")

    with pytest.raises(StoreError, match="somebody else has made it in the meantime"):
        write_while_another_does()
    assert (tmp_path / "set" / "README.md").is_file()


def test_copies_where_there_are_no_hard_links(source, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    export(source, tmp_path / "set")
    copy = tmp_path / "set" / "train" / "t0.jpg"
    assert copy.read_bytes() == source.pictures[0].content
    assert copy.stat().st_nlink == 1
