"""Checks and decodes JPEGs, writes headers and WCS; pure."""
