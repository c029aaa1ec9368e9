"""FITS, HDF5 and VOTables: the table with the coordinates, under the names of the file."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table

from sdss_cutout import TargetError
from sdss_cutout._targets.files import read_table
from sdss_cutout._targets.targets import read_targets

GOOD = Table({"ra": [20.5], "dec": [0.5]})
OTHER = Table({"x": [1]})


def write_fits(path, *named):
    hdus = [fits.BinTableHDU(table, name=name) for name, table in named]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def refused(given, **options):
    with pytest.raises(TargetError) as caught:
        read_targets(given, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_the_table_with_the_coordinates_is_taken(tmp_path):
    path = write_fits(tmp_path / "a.fits", ("A", OTHER), ("B", GOOD))
    assert read_targets(path).ra.tolist() == [20.5]
    swapped = write_fits(tmp_path / "b.fits", ("B", GOOD), ("A", OTHER))
    assert read_targets(swapped).ra.tolist() == [20.5]
    odd = Table({"p": [20.5], "q": [0.5]})
    chosen = write_fits(tmp_path / "c.fits", ("A", OTHER), ("B", odd))
    assert read_targets(chosen, columns=("p", "q")).ra.tolist() == [20.5]


def test_one_of_several_tables_is_chosen(tmp_path):
    path = write_fits(tmp_path / "a.fits", ("A", Table({"ra": [1.0], "dec": [2.0]})), ("B", GOOD))
    said = refused(path)
    assert said == (
        f"{path} holds 2 tables, of which 2 have the coordinates: 'A', 'B'; choose one, as "
        f"'{path}[A]'"
    )
    for choice, ra in (("A", 1), ("b", 20.5), ("1", 1), ("2", 20.5)):
        assert read_targets(f"{path}[{choice}]").ra.tolist() == [ra]
    assert refused(f"{path}[C]") == f"{path} has no table 'C'; it has 'A', 'B'"
    named = tmp_path / "a.fits[A]"
    named.write_bytes(write_fits(tmp_path / "b.fits", ("A", GOOD)).read_bytes())
    assert read_targets(f"{path}[A]").ra.tolist() == [20.5]  # a file of that name is that file


def test_files_without_a_table(tmp_path):
    fits.HDUList([fits.PrimaryHDU(np.zeros((2, 2)))]).writeto(tmp_path / "a.fits")
    assert refused(tmp_path / "a.fits") == f"{tmp_path / 'a.fits'} holds no table"
    path = write_fits(tmp_path / "b.fits", ("A", OTHER), ("B", OTHER))
    assert f"{path} holds 2 tables, of which none has the coordinates: 'A', 'B'; " in refused(path)


def test_coordinates_of_one_spelling_in_fits(tmp_path):
    columns = [fits.Column(name, "D", array=[1.0]) for name in ("RA", "DEC", "ra")]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    assert "the coordinate column 'RA' is there more than once" in refused(tmp_path / "a.fits")


def test_values_of_fits(tmp_path):
    table = Table(
        {
            "SPECOBJID": ["    299489677444933632", "   9299489677444933633"],
            "PLUG_RA": [20.5, 20.75], "PLUG_DEC": [0.5, -0.5],
            "r90": [1.5, np.nan], "n": MaskedColumn([1, 2], mask=[True, False]),
            "u": np.array([2**64 - 1, 5], np.uint64),
        }
    )  # fmt: skip
    table["r90"].unit = "arcsec"
    table.write(tmp_path / "a.fits")
    targets = read_targets(tmp_path / "a.fits", names="SPECOBJID")
    assert targets.names() == ["299489677444933632", "9299489677444933633"]
    assert not hasattr(targets.table["r90"], "mask")
    assert np.isnan((0.02 * targets.table["r90"] / u.pix)[1])
    assert targets.table["n"].tolist() == [None, 2]
    assert targets.table["u"].tolist() == [2**64 - 1, 5]


def test_mixin_columns_of_fits(tmp_path):
    coords = SkyCoord([1, 2], [3, 4], unit="deg", frame="galactic")
    QTable({"id": [1, 2], "c": coords}).write(tmp_path / "a.fits")
    assert np.allclose(read_targets(tmp_path / "a.fits").ra, coords.icrs.ra.deg)


def test_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    Table({**GOOD, "s": ["a"]}).write(path, path="one/table", serialize_meta=True)
    assert read_targets(path).table["s"].tolist() == ["a"]
    with h5py.File(path, "a") as file:
        file["other"] = np.zeros(3)
        file["more"] = np.zeros(1, dtype=[("x", "f8")])
    assert read_targets(path).ra.tolist() == [20.5]
    with h5py.File(path, "a") as file:
        file["two"] = np.zeros(1, dtype=[("ra", "f8"), ("dec", "f8")])
    assert "choose one, as " in refused(path)
    assert read_targets(f"{path}[two]").ra.tolist() == [0]


def test_hdf5_without_its_reader(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    assert refused(tmp_path / "a.h5").endswith(
        "cannot be read without the package h5py, which is not installed; "
        "pip install 'sdss_cutout[hdf5]'"
    )


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", np.array([(20.5, 0.5)], dtype=[("ra", "f8"), ("dec", "f8")]))
    assert read_targets(tmp_path / "a.npy").ra.tolist() == [20.5]
    np.save(tmp_path / "b.npy", np.zeros((2, 2)))
    assert "it is an array without column names" in refused(tmp_path / "b.npy")


# -------------------------------------------------------------------------------- VOTables

VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>{tables}</RESOURCE>
</VOTABLE>"""
TABLE = """<TABLE name="{name}"><FIELD ID="c1" name="Object Name" datatype="char" arraysize="30"/>
<FIELD ID="c2" name="{ra}" datatype="double" unit="degrees"/>
<FIELD ID="c3" name="{dec}" datatype="double" unit="degrees"/>{more}
<DATA><TABLEDATA><TR><TD>UGC 1</TD><TD>20.5</TD><TD>0.5</TD>{one}</TR>
<TR><TD>UGC 2</TD><TD>20.75</TD><TD>-0.5</TD>{two}</TR></TABLEDATA></DATA></TABLE>"""


def votable(tmp_path, *tables, **parts):
    blank = {"name": "t", "ra": "RA", "dec": "DEC", "more": "", "one": "", "two": ""}
    texts = [TABLE.format(**blank | parts | table) for table in tables or ({},)]
    path = tmp_path / "a.vot"
    path.write_text(VOTABLE.format(tables="".join(texts)))
    return path


def test_columns_go_by_their_names(tmp_path):
    targets = read_targets(votable(tmp_path), names="Object Name")
    assert targets.ra.tolist() == [20.5, 20.75]
    assert targets.table.colnames == ["Object Name", "RA", "DEC"]
    assert targets.names() == ["UGC 1", "UGC 2"]
    assert read_targets(votable(tmp_path), columns=("RA", "DEC")).dec.tolist() == [0.5, -0.5]
    assert "there is no column 'c2'" in refused(votable(tmp_path), columns=("c2", "c3"))


def test_names_that_are_there_twice_in_a_votable(tmp_path):
    path = votable(
        tmp_path, more='<FIELD name="RA" datatype="double"/>', one="<TD>1</TD>", two="<TD>2</TD>"
    )
    assert "the coordinate column 'RA' is there more than once" in refused(path)
    twice = 2 * '<FIELD name="z" datatype="int"/>'
    cells = "<TD>1</TD><TD>2</TD>"
    path = votable(tmp_path, more=twice, one=cells, two=cells)
    assert len(read_targets(path).table.colnames) == 5


def test_values_of_a_votable(tmp_path):
    more = (
        '<FIELD name="objid" datatype="long"><VALUES null="-1"/></FIELD>'
        '<FIELD name="note" datatype="unicodeChar" arraysize="*"/>'
        '<FIELD name="r90" datatype="float"/>'
    )
    path = votable(
        tmp_path, more=more, one="<TD>1237646648345100821</TD><TD>a\u03b1</TD><TD>1.5</TD>",
        two="<TD>-1</TD><TD></TD><TD></TD>",
    )  # fmt: skip
    table = read_table(path)
    assert table["objid"].tolist() == [1237646648345100821, None]
    assert table["note"].tolist() == ["a\u03b1", ""]
    assert table["note"].dtype.kind == "U"
    assert np.isnan(table["r90"]).tolist() == [False, True]
    assert not hasattr(table["r90"], "mask")


def test_several_tables_in_a_votable(tmp_path):
    path = votable(tmp_path, {"name": "A", "ra": "x", "dec": "y"}, {"name": "B"})
    assert read_targets(path).ra.tolist() == [20.5, 20.75]
    path = votable(tmp_path, {"name": "A"}, {"name": "B"})
    assert "of which 2 have the coordinates: 'A', 'B'; choose one, as" in refused(path)
    assert read_targets(f"{path}[B]").ra.tolist() == [20.5, 20.75]


def test_a_row_of_simbad_without_a_position(tmp_path):
    path = tmp_path / "simbad.xml"
    path.write_text(
        VOTABLE.format(
            tables='<TABLE><FIELD name="MAIN_ID" datatype="char" arraysize="*"/>'
            '<FIELD name="RA" datatype="char" arraysize="13" unit="&quot;h:m:s&quot;"/>'
            '<FIELD name="DEC" datatype="char" arraysize="13" unit="&quot;d:m:s&quot;"/>'
            "<DATA><TABLEDATA><TR><TD>a</TD><TD>01 22 00.0</TD><TD>+00 30 00</TD></TR>"
            "<TR><TD>b</TD><TD></TD><TD></TD></TR></TABLEDATA></DATA></TABLE>"
        )
    )
    assert refused(path).startswith("target 1: RA = nan is missing or not finite; ")
    path.write_text(path.read_text().replace("<TR><TD>b</TD><TD></TD><TD></TD></TR>", ""))
    assert read_targets(path).ra.tolist() == [20.5]


def test_a_prefix_and_a_comment_before_the_votable(tmp_path):
    path = votable(tmp_path)
    text = path.read_text().replace("<VOTABLE", "<!-- made by hand -->\n<VOTABLE")
    path.write_text("\ufeff" + text)
    assert read_targets(path).ra.tolist() == [20.5, 20.75]


def test_one_name_for_two_columns_of_fits(tmp_path):
    columns = [fits.Column(name, "D", array=[1.0]) for name in ("RA", "DEC", "XX")]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    raw = (tmp_path / "a.fits").read_bytes().replace(b"'XX      '", b"'RA      '")
    (tmp_path / "a.fits").write_bytes(raw)
    said = f"{tmp_path / 'a.fits'}: the column 'RA' is there more than once; keep one of them"
    assert refused(tmp_path / "a.fits") == said
