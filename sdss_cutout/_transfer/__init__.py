"""Sends requests and classifies the answers, with limits and retries; knows nothing of files."""
