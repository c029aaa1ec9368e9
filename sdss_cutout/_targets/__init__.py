"""Reads what the user passes as targets into names and ICRS directions."""
