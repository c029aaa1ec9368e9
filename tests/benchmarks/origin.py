"""nginx on loopback as an origin that is never the bottleneck: one JPEG for every request."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg

PATH = "/dr17/SkyServerWS/ImgCutout/getjpeg"
DELAYS_MS = (0, 50, 200)

_CONFIG = """
{modules}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type image/jpeg;
    keepalive_requests 100000000;
    keepalive_timeout 600;
    tcp_nodelay on;
    open_file_cache max=10 inactive=600s;
    open_file_cache_valid 600s;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    root {folder};
    {servers}
}}
"""
_SERVER = """
    server {{
        listen 127.0.0.1:{port};
        location @picture {{ try_files /picture.jpg =404; }}
        location = {path} {{ {answer} }}
    }}
"""


def picture(size: int) -> bytes:
    """Return a JPEG like a piece of sky: dark and noisy, 1 % of it black, with a few stars."""
    random = np.random.default_rng(17)
    y, x = np.mgrid[:size, :size]
    sky = random.normal(9, 6, (size, size, 3))
    for _ in range(max(1, size * size // 1500)):
        x0, y0, peak = random.uniform(0, size), random.uniform(0, size), random.uniform(30, 230)
        sky += (peak * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 6))[:, :, None]
    pixels = np.ascontiguousarray(np.clip(sky, 0, 255).astype(np.uint8))
    return bytes(simplejpeg.encode_jpeg(pixels, quality=88, colorsubsampling="420"))


@contextlib.contextmanager
def origin(size: int) -> Iterator[dict[int, str]]:
    """Run nginx; yield the base URL for each delay in milliseconds.

    The delays need nginx's echo module (Debian: libnginx-mod-http-echo).
    """
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    echo = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
    delays = DELAYS_MS if echo.exists() else (0,)
    ports = {delay: _free_port() for delay in delays}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx, started as root, reads as another user
        Path(folder, "picture.jpg").write_bytes(picture(size))
        servers = "".join(
            _SERVER.format(port=port, path=PATH, answer=_answer(delay))
            for delay, port in ports.items()
        )
        modules = f"load_module {echo};" if echo.exists() else ""
        config = Path(folder, "nginx.conf")
        config.write_text(_CONFIG.format(folder=folder, modules=modules, servers=servers))
        server = subprocess.Popen([nginx, "-c", str(config), "-p", folder])
        try:
            for port in ports.values():
                _wait_for(port)
            yield {delay: f"http://127.0.0.1:{port}" for delay, port in ports.items()}
        finally:
            server.terminate()
            server.wait()


def _answer(delay_ms: int) -> str:
    if not delay_ms:
        return "try_files /picture.jpg =404;"
    return f"echo_sleep {delay_ms / 1000}; echo_exec @picture;"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nginx does not listen on port {port}")
