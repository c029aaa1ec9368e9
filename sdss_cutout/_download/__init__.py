"""One run: plan, fetch, record; in this process or in the workers of an executor."""
