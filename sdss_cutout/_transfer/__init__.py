"""Sends requests and classifies the answers: bounded, paced, retried; knows nothing of files."""
