"""What other processes do in tests of the cache of frames; they import it by this name."""

from __future__ import annotations

from sdss_cutout._store.frame_cache import FrameCache

URL = (
    "https://data.sdss.org/sas/dr17/eboss/photoObj/frames/301/1/1/frame-r-000001-1-{:04d}.fits.bz2"
)


def never():
    return False


def fetch_all(folder, log):
    """What a run does for each frame that it needs."""
    cache = FrameCache(folder, 1e9)
    for number in range(30):
        url = URL.format(number)
        with cache.locked(url, never):
            if cache.read(url) is None:
                with open(log, "ab", buffering=0) as file:
                    file.write(f"{number}\n".encode())
                cache.write(url, bytes(10_000))
