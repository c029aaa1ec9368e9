"""Runs the sandbox as a process of its own."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.server import Sandbox

if TYPE_CHECKING:
    import os
    from collections.abc import Callable


def serve(
    port: int = 0, ready_file: str | os.PathLike[str] | None = None, *,
    fast: bool = False, outside_status: int = 404, noise: bool = True,
    frame_shape: tuple[int, int] = (1489, 2048),
    announce: Callable[[str], object] | None = None,
) -> None:  # fmt: skip
    """Run a sandbox until SIGINT or SIGTERM, which end it in order.

    Parameters
    ----------
    port : int
        The port; 0 takes any that is free.
    ready_file : path, optional
        Written, in one piece, when the sandbox listens: JSON with ``base_url`` and
        ``frames_url``.
    fast : bool
        As `Sandbox` takes it.
    outside_status : {404, 200}
        As `Sandbox` takes it.
    noise : bool
        As `Sandbox` takes it.
    frame_shape : tuple of int
        As `Sandbox` takes it.
    announce : callable, optional
        Called with the base URL when the sandbox listens.

    Examples
    --------
    >>> from sdss_cutout.sandbox import serve
    >>> serve(port=8000, announce=print)  # doctest: +SKIP
    http://127.0.0.1:8000
    """
    done = threading.Event()
    handled = (signal.SIGINT, signal.SIGTERM)
    # Signal handlers can be installed in the main thread only.
    before = {number: signal.signal(number, lambda *_: done.set()) for number in handled}
    try:
        with Sandbox(
            port, fast=fast, outside_status=outside_status, noise=noise, frame_shape=frame_shape
        ) as sandbox:
            if ready_file is not None:
                urls = {"base_url": sandbox.base_url, "frames_url": sandbox.frames_url}
                _write_ready(Path(ready_file), urls)
            if announce is not None:
                announce(sandbox.base_url)
            while not done.wait(0.2):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_ready(path: Path, urls: dict[str, str]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(urls) + "\n", encoding="utf-8")
    part.replace(path)
