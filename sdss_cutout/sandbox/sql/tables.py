"""The tables and views of the catalogue, under the names of SkyServer's."""

from __future__ import annotations

STORED = (
    "objID", "ra", "dec", "type", "u", "g", "r", "i", "z", "petroRad_r", "petroR50_r",
    "petroR90_r", "ab", "phi", "bulge", "specObjID", "redshift", "class", "fiberID",
)  # fmt: skip
TYPES = {"galaxy": 3, "star": 6}  # SDSS's codes


def schema() -> str:
    """The statements that make the table of objects and the views on it."""
    columns = ", ".join(
        "objID INTEGER PRIMARY KEY" if name == "objID"
        else "class TEXT COLLATE NOCASE" if name == "class" else name
        for name in STORED
    )  # fmt: skip
    return f"""
        PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
        CREATE TABLE objects ({columns});
        CREATE VIEW PhotoObjAll AS SELECT {_photo_columns()} FROM objects;
        CREATE VIEW PhotoObj AS SELECT * FROM PhotoObjAll;
        CREATE VIEW PhotoPrimary AS SELECT * FROM PhotoObjAll;
        CREATE VIEW PhotoTag AS SELECT * FROM PhotoObjAll;
        CREATE VIEW Galaxy AS SELECT * FROM PhotoObjAll WHERE type = 3;
        CREATE VIEW Star AS SELECT * FROM PhotoObjAll WHERE type = 6;
        CREATE VIEW SpecObjAll AS SELECT {_spec_columns()} FROM objects WHERE specObjID > 0;
        CREATE VIEW SpecObj AS SELECT * FROM SpecObjAll;
        CREATE VIEW SpecPhotoAll AS SELECT {_spec_columns()}, objID AS objID, type AS type,
            {_numbers()}, {_band_copies()},
            petroRad_r AS petroRad_r, petroR50_r AS petroR50_r, petroR90_r AS petroR90_r
            FROM objects WHERE specObjID > 0;
        CREATE VIEW SpecPhoto AS SELECT * FROM SpecPhotoAll;
    """  # noqa: S608


def _numbers() -> str:
    """Run, rerun, camera column and field, from the bits of the identifier."""
    return (
        "(objID >> 32) & 65535 AS run, 301 AS rerun, (objID >> 29) & 7 AS camcol, "
        "(objID >> 16) & 4095 AS field"
    )


def _band_copies() -> str:
    kinds = ("modelMag", "petroMag", "psfMag")
    return ", ".join(f"{band} AS {kind}_{band}" for band in "ugriz" for kind in kinds)


def _photo_columns() -> str:
    columns = {
        "objID": "objID", "skyVersion": "2", "run": "(objID >> 32) & 65535", "rerun": "301",
        "camcol": "(objID >> 29) & 7", "field": "(objID >> 16) & 4095", "obj": "objID & 65535",
        "fieldID": "objID & -65536", "mode": "1", "nChild": "0", "type": "type", "clean": "1",
        "flags": "0", "probPSF": "CAST(type = 6 AS INTEGER)", "ra": "ra", "dec": "dec",
        "specObjID": "specObjID", "mjd": "52000",
    }  # fmt: skip
    for band in "ugriz":
        columns[band] = band
        columns[f"err_{band}"] = f"round(0.01 + exp(0.9 * ({band} - 22.5)), 5)"
        for kind in ("psfMag", "modelMag", "petroMag", "cModelMag", "fiberMag"):
            columns[f"{kind}_{band}"] = band
            columns[f"{kind}Err_{band}"] = columns[f"err_{band}"]
        columns[f"dered_{band}"] = band
        columns[f"extinction_{band}"] = "0.0"
        for radius in ("petroRad", "petroR50", "petroR90"):
            columns[f"{radius}_{band}"] = f"{radius}_r"
        columns[f"deVAB_{band}"] = columns[f"expAB_{band}"] = "ab"
        columns[f"deVPhi_{band}"] = columns[f"expPhi_{band}"] = "phi"
        columns[f"deVRad_{band}"] = columns[f"expRad_{band}"] = "petroR50_r"
        columns[f"fracDeV_{band}"] = "bulge"
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


def _spec_columns() -> str:
    columns = {
        "specObjID": "specObjID", "bestObjID": "objID", "ra": "ra", "dec": "dec",
        "z": "redshift", "zErr": "round(1e-5 + redshift * 1e-4, 8)", "zWarning": "0",
        "class": "class", "subClass": "CASE class WHEN 'STAR' THEN 'F9' ELSE '' END",
        "plate": "specObjID >> 50", "mjd": "50000 + ((specObjID >> 24) & 16383)",
        "fiberID": "fiberID", "run2d": "'26'", "instrument": "'SDSS'", "survey": "'sdss'",
        "sciencePrimary": "1",
    }  # fmt: skip
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())
