"""Positions on the sky in, checked SDSS pictures that know where they are out."""
