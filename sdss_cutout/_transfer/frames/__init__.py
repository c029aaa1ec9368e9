"""Searches for fields, and frames."""
