"""What a run sees of a directory that others write to."""

from __future__ import annotations

import pytest
from astropy.table import Table

from sdss_cutout._store.decide import Action, Wanted
from sdss_cutout._store.directory import DownloadDirectory


@pytest.mark.parametrize("verify_up_to", [0, 100])
def test_what_another_run_finishes_between_two_looks_is_not_fetched_again(
    client, tmp_path, verify_up_to
):
    targets = Table({"name": ["a", "b"], "ra": [19.0, 19.1], "dec": [0.0, 0.0]})
    with DownloadDirectory(tmp_path, creator="test", verify_up_to=verify_up_to) as directory:
        client.download(targets[:1], tmp_path, size=64)  # after the look into the directory
        urls = client.url(targets, size=64)
        wanted = [Wanted(row, name, urls[row], f"{name}.jpg") for row, name in enumerate("ab")]
        assert [decision.action for decision in directory.plan(wanted)] == [
            Action.KEEP, Action.FETCH,
        ]  # fmt: skip
