"""Synthetic frames for tests, written by a formula of their own."""

from __future__ import annotations

SHAPE = (1489, 2048)
TERMS = {
    "DROW": (-0.06213254, 0.00016522, -8.83949677e-08, 7.04298782e-12),
    "DCOL": (-0.25364262, 0.00097338, -8.65507125e-07, 2.14713471e-10),
}
