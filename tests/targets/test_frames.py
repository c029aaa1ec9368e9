"""The frame that a file declares is honoured or refused, however it says so."""

from __future__ import annotations

import pytest
from astropy.coordinates import FK4, FK5, ICRS, Galactic, SkyCoord, Supergalactic
from astropy.io import fits
from astropy.table import Column, Table
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.frames import frame_of
from sdss_cutout._targets.targets import read_targets

RA, DEC = 20.5, 0.5
VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">{top}<RESOURCE>{systems}<TABLE>
{groups}<FIELD ID="r" name="{ra}" datatype="double" unit="deg" {ref}/>
<FIELD ID="d" name="{dec}" datatype="double" unit="deg" {ref}/>{more}
<DATA><TABLEDATA><TR><TD>20.5</TD><TD>0.5</TD>{cells}</TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
SYSTEM = '<COOSYS ID="s" system="{}" {}/>'
B1950 = SYSTEM.format("eq_FK4", 'equinox="B1950"')


def votable(tmp_path, **parts):
    blank = dict.fromkeys(("top", "systems", "groups", "ref", "more", "cells"), "")
    path = tmp_path / "a.xml"
    path.write_text(VOTABLE.format(**{**blank, "ra": "RA", "dec": "DEC", **parts}))
    return path


def check(targets, frame, **options):
    expected = SkyCoord(RA, DEC, unit="deg", frame=frame).icrs
    read = read_targets(targets, **options)
    assert (read.ra[0], read.dec[0]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-9)
    return read


@pytest.mark.parametrize(
    ("system", "equinox", "frame"),
    [
        ("eq_FK4", 'equinox="B1950"', FK4()),
        ("eq_FK4", "", FK4()),
        ("FK4", 'equinox="1950"', FK4()),
        ("eq_FK4", 'equinox="B1900"', FK4(equinox="B1900")),
        ("eq_FK5", 'equinox="J2000"', FK5()),
        ("eq_FK5", 'equinox="J1975"', FK5(equinox="J1975")),
        ("ICRS", "", ICRS()),
        ("galactic", "", Galactic()),
        ("GALACTIC", "", Galactic()),
        ("supergalactic", "", Supergalactic()),
    ],
)
def test_coosys(tmp_path, system, equinox, frame):
    systems = SYSTEM.format(system, equinox)
    check(votable(tmp_path, systems=systems, ref='ref="s"'), frame)
    group = '<GROUP ref="s"><FIELDref ref="r"/><FIELDref ref="d"/></GROUP>'
    check(votable(tmp_path, systems=systems, groups=group), frame)


def test_a_system_that_nothing_refers_to(tmp_path):
    check(votable(tmp_path, systems=B1950), FK4())
    check(votable(tmp_path, top=f"<DEFINITIONS>{B1950}</DEFINITIONS>"), FK4())
    galactic = '<COOSYS ID="g" system="galactic"/>'
    check(votable(tmp_path, systems=galactic + B1950), FK4())
    check(votable(tmp_path, systems=galactic), ICRS())


def refused(targets, **options):
    with pytest.raises(TargetError) as caught:
        read_targets(targets, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_systems_that_cannot_be_used_are_refused(tmp_path):
    ecliptic = SYSTEM.format("ecl_FK5", 'equinox="J2000"')
    said = refused(votable(tmp_path, systems=ecliptic, ref='ref="s"'))
    assert said.startswith("column 'RA' is in the frame 'ecl_FK5 J2000', which is not known here; ")
    two = B1950 + '<COOSYS ID="t" system="ICRS"/>'
    said = refused(votable(tmp_path, systems=two))
    assert "does not say which of the frames of its file is its own: eq_FK4 B1950 or ICRS" in said
    path = votable(tmp_path, systems=two, ref='ref="s"')
    dec = 'name="DEC" datatype="double" unit="deg" ref="{}"'
    path.write_text(path.read_text().replace(dec.format("s"), dec.format("t")))
    assert refused(path).startswith("columns 'RA' and 'DEC' are in two frames, <FK4 Frame")


def test_a_passenger_may_be_in_any_frame(tmp_path):
    path = votable(
        tmp_path, systems=SYSTEM.format("ecl_FK5", ""), cells="<TD>1</TD>",
        more='<FIELD name="elon" datatype="double" ref="s"/>',
    )  # fmt: skip
    check(path, ICRS())


KEYWORDS = [
    ({"RADESYS": "FK4", "EQUINOX": 1950.0}, FK4()),
    ({"RADESYS": "FK4"}, FK4()),
    ({"RADECSYS": "FK4"}, FK4()),
    ({"EQUINOX": 1950.0}, FK4()),
    ({"EQUINOX": "B1950"}, FK4()),
    ({"RADESYS": "FK5", "EQUINOX": 2000.0}, FK5()),
    ({"EQUINOX": 2000.0}, FK5()),
    ({"RADESYS": "FK5", "EQUINOX": 1975}, FK5(equinox="J1975")),
    ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, ICRS()),
    ({"radesys": "FK4"}, FK4()),
    ({}, ICRS()),
]


@pytest.mark.parametrize(("keywords", "frame"), KEYWORDS)
def test_keywords(tmp_path, keywords, frame):
    table = Table({"ra": [RA], "dec": [DEC]}, meta=keywords)
    check(table, frame)
    table.write(tmp_path / "a.ecsv")
    check(tmp_path / "a.ecsv", frame)
    columns = Table({name: Column([v], meta=keywords) for name, v in (("ra", RA), ("dec", DEC))})
    check(columns, frame)
    columns.write(tmp_path / "b.ecsv")
    check(tmp_path / "b.ecsv", frame)
    bare = fits.BinTableHDU(Table({"ra": [RA], "dec": [DEC]}))
    primary = fits.PrimaryHDU()
    for header, name in ((bare.header, "c.fits"), (primary.header, "d.fits")):
        header.update(keywords)
        fits.HDUList([primary, bare]).writeto(tmp_path / name)
        check(tmp_path / name, frame)


def test_what_is_no_frame():
    table = Table({"ra": [RA], "dec": [DEC]}, meta={"RADESYS": "GAPPT"})
    assert refused(table).startswith("the table is in the frame 'GAPPT', which is not known here; ")
    table.meta = {"EQUINOX": "soon"}
    assert refused(table) == "the table has the equinox 'soon', which is not a year"
    for other in ({"FRAME": 17}, {"frame": "r"}, {"EQUINOX": ""}):
        check(Table({"ra": [RA], "dec": [DEC]}, meta=other), ICRS())


@pytest.mark.parametrize(
    ("ra", "dec", "frame"),
    [
        ("RAB1950", "DEB1950", FK4()),
        ("_RAB1950", "_DEB1950", FK4()),
        ("ra1950", "dec1950", FK4()),
        ("ra_b1950", "dec_b1950", FK4()),
        ("GLON", "GLAT", Galactic()),
        ("gal_lon", "gal_lat", Galactic()),
        ("SGL", "SGB", Supergalactic()),
        ("raMean", "decMean", ICRS()),
        ("l", "b", Galactic()),
        ("LII", "BII", Galactic()),
        ("a", "b", ICRS()),
        ("l", "m", ICRS()),
    ],
)
def test_names_that_tell_the_frame(ra, dec, frame):
    check(Table({ra: [RA], dec: [DEC]}), frame, columns=(ra, dec))


def test_names_that_tell_two_frames():
    table = Table({"GLON": [RA], "dec": [DEC], "RAB1950": [RA]})
    for columns in (("GLON", "dec"), ("RAB1950", "dec"), ("dec", "GLON")):
        assert "are in two frames, <" in refused(table, columns=columns)


def test_the_advice_for_such_names_leads_to_the_right_sky():
    table = Table({"RAB1950": [RA], "DEB1950": [DEC]})
    said = refused(table)
    assert "say --ra RAB1950 --dec DEB1950 on the command line, or in Python " in said
    exec(said.partition("or in Python ")[2], {"table": table, "SkyCoord": SkyCoord})
    check(table, FK4())


@pytest.mark.parametrize(
    ("ucd", "frame"),
    [
        ("pos.eq.ra;meta.main", ICRS()),
        ("pos.galactic.lon;meta.main", Galactic()),
        ("pos.supergalactic.lon", Supergalactic()),
    ],
)
def test_ucds_that_tell_the_frame(ucd, frame):
    table = Table({"ra": Column([RA], meta={"ucd": ucd}), "dec": [DEC]})
    check(table, frame)


def test_ecliptic_coordinates_are_refused():
    table = Table({"elon": [RA], "elat": [DEC]})
    assert refused(table, columns=("elon", "elat")).startswith("column 'elon' holds ecliptic coord")


@pytest.mark.parametrize(
    ("description", "frame"),
    [
        ("Right ascension (B1950)", FK4()),
        ("RA, equinox 1950.0", FK4()),
        ("Right ascension, FK4", FK4()),
        ("Right ascension J2000 (from B1950)", ICRS()),
        ("Right ascension", ICRS()),
    ],
)
def test_descriptions_that_tell_the_frame(description, frame):
    columns = {name: Column([v], description=description) for name, v in (("ra", RA), ("dec", DEC))}
    check(Table(columns), frame)


def test_the_frame_stays_with_the_columns(client, tmp_path):
    table = Table({"id": [1], "ra": [RA], "dec": [DEC]}, meta={"RADESYS": "FK4"})
    report = client.download(table, tmp_path, size=64)
    check(tmp_path / "manifest.ecsv", FK4())
    assert SDSSCutouts().url(report.table) == SDSSCutouts().url(table)
    assert table["ra"].meta == {}


@given(st.text(max_size=12), st.text(max_size=6) | st.floats() | st.none())
def test_any_frame_is_known_or_refused(system, equinox):
    try:
        frame = frame_of(system, equinox, "the table")
    except TargetError:
        return
    assert SkyCoord(RA, DEC, unit="deg", frame=frame).icrs is not None
