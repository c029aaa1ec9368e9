"""Pictures for tests, coded as the server codes them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def jpeg(pixels, **options):
    """As the server codes: quality 75, 4:2:0."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    image.save(out, "JPEG", **({"quality": 75, "subsampling": 2} | options))
    return out.getvalue()


def noise(height=120, width=120, level=30):
    values = np.random.default_rng(3).normal(level, 8, (height, width, 3))
    return np.clip(values, 1, 255).astype(np.uint8)


GOOD = jpeg(noise())
