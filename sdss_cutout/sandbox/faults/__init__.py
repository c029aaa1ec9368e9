"""Faults on demand: which there are, and how each is done to a request."""
