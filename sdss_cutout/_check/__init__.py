"""Asks a server, politely, whether it is what this package assumes, and reports."""
