"""Tests of the stand-in SkyServer itself."""
