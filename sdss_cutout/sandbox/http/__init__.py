"""Requests, responses and connections, as HTTP has them."""
