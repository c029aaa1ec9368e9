"""Which server and which data release are asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np

from sdss_cutout._errors import RequestError
from sdss_cutout._service.skyserver import SKYSERVER, ImageService

__all__ = ["Site", "check_root", "check_site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Which server and which data release are asked."""

    base_url: str
    release: int
    auth: tuple[str, str] | None = field(default=None, repr=False)
    service: ImageService = SKYSERVER

    @property
    def picture_url(self) -> str:
        """The URL of the picture service, without parameters."""
        return self.base_url + self.service.picture_path.format(release=self.release)


def check_site(base_url: str, release: int, service: ImageService = SKYSERVER) -> Site:
    """Return the site, or raise `RequestError` if URL or release is not valid."""
    bare, auth = check_root("base_url", str(base_url), "https://skyserver.sdss.org")
    if isinstance(release, bool) or not isinstance(release, int | np.integer):
        raise RequestError(f"data_release = {release!r} is not a whole number")
    if not service.first_release <= release <= service.last_release:
        raise RequestError(
            f"data_release = {release} is outside {service.first_release}..{service.last_release}, "
            f"the releases that {service.name} is known to serve"
        )
    return Site(base_url=bare, release=int(release), auth=auth, service=service)


def check_root(name: str, url: str, example: str) -> tuple[str, tuple[str, str] | None]:
    """Return a server's root, without credentials, and the credentials; or raise `RequestError`.

    A root has no query and nothing unprintable. Credentials go with the connection; a URL is
    written into files and messages.
    """
    try:
        split = urlsplit(url.rstrip("/"))
        known = bool(split.hostname) and split.scheme in ("http", "https") and split.port != 0
    except ValueError:  # such as a port that is not a number
        known = False
    if not known or not re.fullmatch(r"[^\s?#\\]+", url) or not url.isprintable():
        without_password = re.sub(r"//.*@", "//", url)
        raise RequestError(f"{name} = {without_password!r} is not a URL such as {example}")
    bare = urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))
    auth = (unquote(split.username), unquote(split.password or "")) if split.username else None
    return bare, auth
