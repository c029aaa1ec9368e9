"""What can be wrong with a frame, and faults on the routes of frames and fields."""

import bz2
import io
import re
from pathlib import Path

import pytest
import requests
from archive import SMALL, frame_url
from astropy.io import fits

from sdss_cutout.sandbox import FRAME_FAULTS, Fault


@pytest.fixture
def frame(noisy):
    """A frame's URL, its right bytes, and its field."""
    field = noisy.survey.primary(180.0, 30.0)
    url = frame_url(field, "r").replace("https://data.sdss.org", noisy.base_url)
    return url, requests.get(url, timeout=9).content, field


def hit(noisy, frame, name, **options):
    noisy.inject(Fault(name, times=1, **options))
    answer = requests.get(frame[0], timeout=9)
    assert noisy.frame_requests[-1].fault == name
    again = requests.get(frame[0], timeout=9)
    assert again.content == frame[1]
    return answer


def test_every_fault_of_frames_has_a_test_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(re.search(rf'"{name}"', source) for name in FRAME_FAULTS)
    assert all(Fault(name).route == "frame" for name in FRAME_FAULTS)


def test_a_frame_that_is_not_there(noisy, frame):
    assert hit(noisy, frame, "frame_missing").status_code == 404


@pytest.mark.parametrize(
    ("name", "key", "column"),
    [
        ("frame_wrong_run", "RUN", "RUN"), ("frame_wrong_camcol", "CAMCOL", "CAMCOL"),
        ("frame_wrong_field", "FRAME", "FIELD"), ("frame_wrong_band", "FILTER", "FILTER"),
    ],
)  # fmt: skip
def test_a_frame_of_something_else(noisy, frame, name, key, column):
    right = fits.open(io.BytesIO(bz2.decompress(frame[1])))
    with fits.open(io.BytesIO(bz2.decompress(hit(noisy, frame, name).content))) as wrong:
        assert wrong[0].header[key] != right[0].header[key]
        assert wrong[3].data[column][0] == wrong[0].header[key]
        assert (wrong[0].data == right[0].data).all()
        others = {"RUN", "CAMCOL", "FRAME", "FILTER"} - {key}
        assert all(wrong[0].header[k] == right[0].header[k] for k in others)


def test_streams_that_are_not_whole(noisy, frame):
    cut = hit(noisy, frame, "frame_cut_stream", share_kept=0.4).content
    assert len(cut) == int(0.4 * len(frame[1]))
    with pytest.raises(ValueError, match="end-of-stream"):
        bz2.decompress(cut)
    bad = hit(noisy, frame, "frame_bad_stream").content
    assert len(bad) == len(frame[1])
    with pytest.raises(OSError, match="Invalid data"):
        bz2.decompress(bad)
    with pytest.raises(OSError, match="Invalid data"):
        bz2.decompress(hit(noisy, frame, "frame_not_bzip2").content)


def test_whole_streams_around_what_is_no_frame(noisy, frame):
    size = len(bz2.decompress(frame[1]))
    cut = bz2.decompress(hit(noisy, frame, "frame_cut_fits").content)
    assert len(cut) == int(0.6 * size)
    bad = bz2.decompress(hit(noisy, frame, "frame_bad_fits").content)
    assert len(bad) == size
    with pytest.raises(OSError, match=r"SIMPLE|header|Empty"):
        fits.open(io.BytesIO(bad))
    for name, parts, rows in (
        ("frame_without_astrans", 3, SMALL[0]), ("frame_other_size", 4, SMALL[0] - 8),
    ):  # fmt: skip
        with fits.open(io.BytesIO(bz2.decompress(hit(noisy, frame, name).content))) as hdus:
            assert (len(hdus), len(hdus[0].data)) == (parts, rows)


def test_the_other_faults_hit_frames_and_searches(noisy, frame):
    url = f"{noisy.base_url}/dr17/SkyServerWS/SDSSFields/UrlsOfFields?ra=180&dec=30&radius=2"
    noisy.inject(Fault("service_unavailable", route="frame", retry_after=7))
    answer = requests.get(frame[0], timeout=9)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert requests.get(url, timeout=9).status_code == 200
    noisy.reset()
    noisy.inject(Fault("html", route="fields"))
    assert "<html" in requests.get(url, timeout=9).text
    assert requests.get(frame[0], timeout=9).content == frame[1]


def test_a_fault_of_frames_is_matched_by_the_path(noisy, frame):
    noisy.inject(Fault("frame_missing", match="/frame-g-"))
    assert requests.get(frame[0], timeout=9).status_code == 200
    assert requests.get(frame[0].replace("-r-", "-g-"), timeout=9).status_code == 404


@pytest.mark.parametrize("name", ["frame_missing", "frame_wrong_run", "frame_cut_stream"])
@pytest.mark.parametrize("ending", ["close", "http10"])
def test_faults_of_frames_can_end_the_connection(noisy, frame, name, ending):
    noisy.inject(Fault(name, **{ending: True}))
    with requests.Session() as session:
        answer = session.get(frame[0], timeout=9)
    assert answer.raw.version == (10 if ending == "http10" else 11)
    assert answer.headers.get("Connection", "close") == "close"
    assert answer.content != frame[1]
