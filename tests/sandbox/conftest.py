"""Ways to ask a sandbox without the client."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from sdss_cutout.sandbox import Sandbox


class Asker:
    """Asks a sandbox for pictures and queries."""

    def __init__(self, sandbox: Sandbox, session: requests.Session) -> None:
        self.sandbox, self.session = sandbox, session
        session.trust_env = False

    def picture(self, release: int = 17, **query: Any) -> requests.Response:
        url = f"{self.sandbox.base_url}/dr{release}/SkyServerWS/ImgCutout/getjpeg"
        return self.session.get(url, params=query, timeout=20)

    def pixels(self, **query: Any) -> np.ndarray:
        answer = self.picture(**query)
        assert answer.status_code == 200, answer.text
        return decoded(answer.content)

    def sql(self, command: str, form: str | None = "csv") -> requests.Response:
        url = f"{self.sandbox.base_url}/dr17/SkyServerWS/SearchTools/SqlSearch"
        return self.session.get(url, params={"cmd": command, "format": form}, timeout=20)


def decoded(body: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def ask(sandbox: Sandbox) -> Iterator[Asker]:
    with requests.Session() as session:
        yield Asker(sandbox, session)
