"""A direction is a unit vector: what else a coordinate has does not move it."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import (
    FK5,
    GCRS,
    ICRS,
    AltAz,
    Angle,
    BaseCoordinateFrame,
    Distance,
    EarthLocation,
    Galactocentric,
    Longitude,
    SkyCoord,
    UnitSphericalRepresentation,
    frame_transform_graph,
)
from astropy.table import QTable
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.directions import icrs_degrees
from sdss_cutout._targets.targets import read_targets

EPOCH = Time("2020-06-01")
HERE = EarthLocation(lon=10 * u.deg, lat=20 * u.deg)
ROTATED = [
    "icrs", "fk5", "fk4", "fk4noeterms", "galactic", "supergalactic", "barycentricmeanecliptic",
    "barycentrictrueecliptic",
]  # fmt: skip
ODD_DISTANCES = [0, np.nan, np.inf, 1e-30, 1e30]


def in_frame(frame, **more):
    """Two directions in a frame, with whatever else is given."""
    unit = UnitSphericalRepresentation([20.5, 250] * u.deg, [-10.5, 60] * u.deg)
    names = frame_transform_graph.lookup_name(frame)().representation_component_names
    lon, lat = (next(n for n, r in names.items() if r == part) for part in ("lon", "lat"))
    return SkyCoord(**{lon: unit.lon, lat: unit.lat}, frame=frame, **more)


@pytest.mark.parametrize("distance", ODD_DISTANCES)
@pytest.mark.parametrize("frame", ROTATED)
def test_a_distance_moves_nothing(frame, distance):
    bare = in_frame(frame)
    ra, dec = icrs_degrees(in_frame(frame, distance=[distance, 10.0] * u.pc))
    assert np.allclose(ra, bare.icrs.ra.deg, rtol=0, atol=1e-9)
    assert np.allclose(dec, bare.icrs.dec.deg, rtol=0, atol=1e-9)


def test_a_negative_parallax_and_a_masked_distance():
    with pytest.warns(match="negative parallaxes are converted to NaN"):
        parallax = Distance(parallax=[-0.3, 5] * u.mas, allow_negative=True)
    bare = icrs_degrees(in_frame("fk5"))
    assert np.allclose(icrs_degrees(in_frame("fk5", distance=parallax)), bare)
    masked = Masked([1.0, 2.0] * u.pc, mask=[True, False])
    assert np.allclose(icrs_degrees(in_frame("galactic", distance=masked)), bare_of("galactic"))


def bare_of(frame):
    icrs = in_frame(frame).icrs
    return icrs.ra.deg, icrs.dec.deg


@pytest.mark.parametrize("frame", ["icrs", "fk5", "fk4"])
def test_velocities_move_nothing(frame):
    moving = in_frame(
        frame, pm_ra_cosdec=[5, 6] * u.arcsec / u.yr, pm_dec=[5, 6] * u.arcsec / u.yr,
        radial_velocity=[1e4, np.nan] * u.km / u.s, distance=[1, 2] * u.pc, obstime=EPOCH,
    )  # fmt: skip
    still = in_frame(frame, obstime=EPOCH)
    assert np.allclose(icrs_degrees(moving), icrs_degrees(still), rtol=0, atol=1e-12)


def test_velocities_in_galactic_coordinates():
    moving = in_frame(
        "galactic", pm_l_cosb=[5, 6] * u.arcsec / u.yr, pm_b=[5, 6] * u.mas / u.yr, obstime=EPOCH
    )
    assert np.allclose(icrs_degrees(moving), bare_of("galactic"), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "coords",
    [
        SkyCoord(x=[1.0], y=[0.1], z=[0.1], representation_type="cartesian"),
        SkyCoord(x=[2] * u.pc, y=[0.2] * u.pc, z=[0.2] * u.pc, representation_type="cartesian"),
        SkyCoord(
            rho=[np.hypot(1, 0.1)] * u.pc, phi=[np.arctan2(0.1, 1)] * u.rad, z=[0.1] * u.pc,
            representation_type="cylindrical",
        ),
        SkyCoord(
            phi=[np.arctan2(0.1, 1)] * u.rad, r=[0] * u.pc,
            theta=[90 - np.degrees(np.arctan(0.1 / np.hypot(1, 0.1)))] * u.deg,
            representation_type="physicsspherical",
        ),
    ],
    ids=["cartesian", "with unit", "cylindrical", "physics"],
)  # fmt: skip
def test_any_representation(coords):
    assert np.allclose(icrs_degrees(coords), [[5.710593137], [5.682438483]], rtol=0, atol=1e-8)


@given(st.tuples(*[st.floats(-1e6, 1e6)] * 3))
def test_a_vector_of_any_length_has_its_direction(xyz):
    coords = SkyCoord(*([value] for value in xyz), representation_type="cartesian")
    ra, dec = icrs_degrees(coords)
    length = np.linalg.norm(xyz)
    if not length > 1e-150:
        return
    unit = np.array(xyz) / length
    back = SkyCoord(ra, dec, unit="deg").cartesian.xyz.value[:, 0]
    assert np.allclose(back, unit, rtol=0, atol=1e-9)


def test_a_vector_of_no_length_is_refused_with_its_row():
    coords = SkyCoord(x=[1, 0, 1], y=[0, 0, 0], z=[0, 0, np.nan], representation_type="cartesian")
    with pytest.raises(TargetError) as caught:
        read_targets(coords)
    assert str(caught.value) == (
        "target 1: the position = (nan, nan) is missing or not finite; it must be a number "
        "(2 such targets: 1, 2)"
    )


def test_a_distance_counts_where_the_earth_is_the_origin():
    near = SkyCoord(1 * u.deg, 2 * u.deg, distance=1 * u.au, frame=GCRS(obstime=EPOCH))
    ra, dec = icrs_degrees(near)
    assert (ra, dec) == pytest.approx((near.icrs.ra.deg, near.icrs.dec.deg))
    far = SkyCoord(1 * u.deg, 2 * u.deg, frame=GCRS(obstime=EPOCH))
    assert SkyCoord(ra, dec, unit="deg").separation(far.icrs).deg > 10
    for distance in (0, np.nan):  # no distance: as far as all the others
        odd = SkyCoord([1] * u.deg, [2] * u.deg, distance=[distance] * u.au, frame=far.frame)
        assert np.ravel(icrs_degrees(odd)) == pytest.approx((far.icrs.ra.deg, far.icrs.dec.deg))


def test_altaz_and_offset_frames():
    target = SkyCoord(20.5, 0.5, unit="deg")
    altaz = target.transform_to(AltAz(obstime=EPOCH, location=HERE))
    assert icrs_degrees(altaz) == pytest.approx((20.5, 0.5), abs=1e-6)
    offset = target.transform_to(SkyCoord(20, 0, unit="deg").skyoffset_frame())
    assert icrs_degrees(offset) == pytest.approx((20.5, 0.5), abs=1e-9)


def test_the_centre_of_the_galaxy_needs_distances():
    coords = SkyCoord(x=[-7, 0] * u.kpc, y=[1, 1] * u.kpc, z=[0, 0] * u.kpc, frame=Galactocentric())
    assert np.allclose(icrs_degrees(coords), (coords.icrs.ra.deg, coords.icrs.dec.deg))
    bare = Galactocentric(UnitSphericalRepresentation(1 * u.deg, 2 * u.deg))
    with pytest.raises(TargetError, match=r"^coordinates in galactocentric cannot be turned"):
        icrs_degrees(bare)


@pytest.mark.parametrize("frame", ["lsr", "lsrk", "lsrd", "galacticlsr", "hcrs"])
@pytest.mark.parametrize("more", [{}, {"distance": [0, np.nan] * u.pc}], ids=["bare", "distance"])
def test_frames_that_differ_in_velocity_or_by_the_sun(frame, more):
    ra, dec = icrs_degrees(in_frame(frame, **more))
    same = {"galacticlsr": "galactic"}.get(frame, "icrs")
    assert np.allclose((ra, dec), bare_of(same), rtol=0, atol=1e-6)


def test_every_frame_of_astropy_gives_a_direction_or_our_error():
    for name in frame_transform_graph.get_names():
        frame = frame_transform_graph.lookup_name(name)
        try:
            coords = frame(UnitSphericalRepresentation(1 * u.deg, 2 * u.deg))
        except (TypeError, ValueError):  # wants more than a direction
            continue
        assert isinstance(coords, BaseCoordinateFrame)
        try:
            ra, dec = icrs_degrees(coords)
        except TargetError:
            continue
        assert 0 <= ra < 360
        assert -90 <= dec <= 90


def test_a_frame_without_what_it_needs_says_so():
    with pytest.raises(TargetError) as caught:
        read_targets(SkyCoord(alt=1 * u.deg, az=2 * u.deg, frame="altaz"))
    assert str(caught.value).startswith(
        "coordinates in altaz cannot be turned into ICRS: the frame needs values for obstime, loc"
    )


def test_frames_with_data_are_targets_too():
    assert isinstance(SDSSCutouts().url(ICRS(1 * u.deg, 2 * u.deg)), str)
    assert read_targets(FK5([1, 2] * u.deg, [2, 3] * u.deg)).ra.shape == (2,)
    mixed = [SkyCoord(1, 2, unit="deg"), ICRS(3 * u.deg, 4 * u.deg), "10:00:00 +02:12:00"]
    assert read_targets(mixed).ra.tolist() == [1, 3, 150]


def test_wrapped_longitudes_come_within_a_turn():
    coords = SkyCoord(Longitude([-10, 5], "deg", wrap_angle=180 * u.deg), [1, 2] * u.deg)
    assert read_targets(coords).ra.tolist() == [350, 5]
    table = QTable({"ra": Longitude([-10, 5], "deg", wrap_angle=180 * u.deg), "dec": [1, 2]})
    assert read_targets(table).ra.tolist() == [350, 5]
    with pytest.raises(TargetError, match=r"is outside 0..360"):
        read_targets(QTable({"ra": Angle([-10, 5], "deg"), "dec": [1, 2]}))


def test_columns_of_coordinates_go_the_same_way(tmp_path):
    coords = SkyCoord(
        l=[120, 120] * u.deg, b=[60, 60] * u.deg, distance=[0, np.nan] * u.pc, frame="galactic"
    )
    path = tmp_path / "a.ecsv"
    QTable({"id": [1, 2], "c": coords}).write(path)
    targets = read_targets(path)
    assert np.allclose(targets.ra, 195.5557624758)
    assert np.allclose(targets.dec, 57.0668133834)
    assert targets.names() == ["1", "2"]
