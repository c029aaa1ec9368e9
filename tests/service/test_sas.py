"""The facts about the SAS and its frames."""

from __future__ import annotations

import pytest
from astropy.io import fits

from sdss_cutout._service.sas import BANDS, SAS


@pytest.mark.parametrize(
    ("release", "tree"),
    [
        (8, "dr9/boss"),
        (9, "dr9/boss"),
        (12, "dr12/boss"),
        (13, "dr13/eboss"),
        (17, "dr17/eboss"),
        (18, "dr18/prior-surveys/sdss4-dr17-eboss"),
        (19, "dr19/prior-surveys/sdss4-dr17-eboss"),
    ],
)
def test_paths_follow_the_release(release, tree):
    assert SAS.frame_path(release, "301", 2505, 3, 38, "r") == (
        f"/{tree}/photoObj/frames/301/2505/3/frame-r-002505-3-0038.fits.bz2"
    )


def test_coadds_of_stripe_82_have_other_numbers_in_the_path():
    path = SAS.frame_path(12, "301", 106, 1, 100, "g")
    assert path.endswith("/301/100006/1/frame-g-100006-1-0100.fits.bz2")


def test_the_table_is_complete():
    for camcol in range(1, 7):
        for band in BANDS:
            gain, dark_variance = SAS.noise_of(2000, camcol, band)
            assert 1.4 < gain < 6.6
            assert 0.8 <= dark_variance < 16


@pytest.mark.parametrize(
    ("camcol", "band", "before", "after"),
    [
        (2, "u", (1099, 1.595, 12.6025), (1101, 1.825, 12.6025)),
        (2, "i", (1499, 6.565, 5.76), (1501, 6.565, 6.25)),
        (4, "i", (1499, 4.885, 6.25), (1501, 4.885, 7.5625)),
        (4, "z", (1499, 4.775, 9.61), (1501, 4.775, 12.6025)),
        (5, "z", (1499, 3.48, 1.8225), (1501, 3.48, 2.1025)),
    ],
)
def test_what_changed_with_a_run(camcol, band, before, after):
    for run, gain, dark_variance in (before, after):
        assert SAS.noise_of(run, camcol, band) == (gain, dark_variance)


def test_the_real_photometry_file_has_the_same_gains(shared_data):
    with fits.open(shared_data / "frame" / "psField-001000-1-0100.fit") as hdus:
        row = hdus[6].data[0]
        real = zip(row["gain"], row["dark_variance"], strict=True)
        ours = [SAS.noise_of(1000, 1, band) for band in BANDS]
        assert [value for pair in real for value in pair] == pytest.approx(
            [value for pair in ours for value in pair], rel=1e-6
        )
