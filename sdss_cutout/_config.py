"""What users can set once for all calls: ``sdss_cutout.conf``."""

from __future__ import annotations

from astropy.config import ConfigItem, ConfigNamespace

__all__ = ["Conf", "conf"]


class Conf(ConfigNamespace):
    """Defaults of `sdss_cutout.SDSSCutouts`, read at the time of each call.

    Examples
    --------
    >>> from sdss_cutout import SDSSCutouts, conf
    >>> with conf.set_temp("data_release", 16):
    ...     SDSSCutouts().navigate_url("19.02 -0.01".split())  # doctest: +SKIP
    """

    data_release = ConfigItem(17, "SDSS data release to ask for.", cfgtype="integer")
    base_url = ConfigItem(
        "https://skyserver.sdss.org", "Root of the SkyServer site.", cfgtype="string"
    )
    max_connections = ConfigItem(8, "Requests under way at the same time.", cfgtype="integer")
    max_rate = ConfigItem(10.0, "Requests a second, of all connections together.", cfgtype="float")
    timeout = ConfigItem(30.0, "Seconds that one attempt may take as a whole.", cfgtype="float")
    max_attempts = ConfigItem(
        5, "Requests for one target before it is 'failed'.", cfgtype="integer"
    )
    show_progress = ConfigItem(
        True, "Show a progress bar when a terminal or a notebook watches.", cfgtype="boolean"
    )
    verify_up_to = ConfigItem(
        10_000,
        "Pictures already in a directory whose sha256 is computed again when a download is "
        "started again; in larger directories only their presence is checked.",
        cfgtype="integer",
    )


conf = Conf()
