"""What a notebook shows: thumbnails that are small and few, statuses, links, all of it escaped."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from outcomes import Composite, GonePicture, OutcomeList
from PIL import Image

from sdss_cutout import CutoutList, read_cutouts
from sdss_cutout._views.notebook import list_html, picture_png

OUTSIDE = (266.4, -29.0)
HOSTILE = "<script>alert('1')</script>"


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def cutouts(client):
    ra, dec = OUTSIDE
    return client.get(
        Table({"id": ["a&b", "out"], "ra": [150.0, ra], "dec": [30.0, dec]}), size=300
    )


def test_a_list_shows_thumbnails_statuses_and_links(cutouts):
    page = Tags(cutouts._repr_html_())

    assert page.open == []
    assert "CutoutList of 2: ok 1, outside 1" in page.text
    (picture,) = page.all("img")
    assert picture["alt"] == "a&b"
    kind, _, data = picture["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (96, 96)
    assert [a["href"].partition("/dr17/")[2] for a in page.all("a")] == [
        "VisualTools/navi?ra=150.0&dec=30.0",
        "VisualTools/navi?ra=266.4&dec=-29.0",
    ]
    assert "outside" in page.text


def test_simulated_pictures_say_so(cutouts):
    assert "Simulated pictures, not SDSS data." in cutouts._repr_html_()


def test_everything_is_escaped(cutouts):
    hostile = replace(cutouts[1], name=HOSTILE, error=f'"{HOSTILE}', status="failed")
    also = replace(cutouts[0], name=HOSTILE)

    html = CutoutList((hostile, also), Table())._repr_html_()

    page = Tags(html)
    assert not page.all("script")
    assert HOSTILE in page.text
    assert page.all("img")[0]["alt"] == HOSTILE
    assert f'"{HOSTILE}' in [div.get("title") for div in page.all("div")]


def test_a_url_that_is_none_of_ours_is_no_link(cutouts):
    elsewhere = replace(cutouts[0].request, url="javascript:alert(1)")
    html = CutoutList((replace(cutouts[0], request=elsewhere),), Table())._repr_html_()
    assert not Tags(html).all("a")
    assert "javascript" not in html


def test_a_long_list_is_cut_and_says_so(cutouts):
    many = CutoutList(cutouts.cutouts[:1] * 1_234, Table())
    html = many._repr_html_()
    assert html.count("<img") == 40
    assert "and 1,194 more; montage() draws them all" in html
    assert len(html) < 300_000


def test_a_report_reads_only_what_it_shows(client, tmp_path):
    sky = SkyCoord([150.0 + n / 10 for n in range(45)], [30.0] * 45, unit="deg")
    report = client.download(sky, tmp_path, size=64)
    for name in report.table["name"][41:]:
        (tmp_path / f"{name}.jpg").unlink()

    html = report._repr_html_()

    assert html.count("<img") == 40
    assert "write_html() writes a page with them all" in html


def test_files_that_are_gone_are_no_error(client, tmp_path):
    report = client.download(SkyCoord([150.0, 151.0], [30.0, 30.0], unit="deg"), tmp_path, size=64)
    gone = tmp_path / f"{report.table['name'][1]}.jpg"
    gone.unlink()
    for shown in (report, read_cutouts(tmp_path)):
        html = shown._repr_html_()
        assert html.count("<img") == 1
        assert f"{gone.name}: No such file or directory" in html


def test_one_file_that_is_gone_does_not_hide_the_others(cutouts):
    html = list_html(OutcomeList([cutouts[0], GonePicture(), cutouts[0]]))

    assert html.count("<img") == 2
    assert "gone.jpg: No such file or directory" in html
    assert ">unreadable<" in html


def test_names_stand_under_their_pictures(cutouts):
    page = Tags(cutouts._repr_html_())
    assert all("display:block" in picture["style"] for picture in page.all("img"))


def test_a_picture_of_arrays_is_shown_in_lists_and_by_itself():
    page = Tags(list_html(OutcomeList([Composite()])))
    (picture,) = page.all("img")
    data = base64.b64decode(picture["src"].partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpixel((40, 5))[2] > 150
    with Image.open(io.BytesIO(picture_png(Composite()))) as image:
        assert image.size == (80, 80)
        assert image.getpixel((40, 5)) == (0, 0, 200)
    assert picture_png(Composite(status="outside")) is None


def test_an_empty_list_is_shown(cutouts):
    assert "CutoutList of 0: none" in cutouts[:0]._repr_html_()


def test_a_cutout_is_its_jpeg(cutouts):
    assert cutouts[0]._repr_jpeg_() == cutouts[0].content
    assert cutouts[1]._repr_jpeg_() is None
