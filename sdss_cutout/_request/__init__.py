"""Combines directions and geometry into requests and URLs; pure and strict."""
