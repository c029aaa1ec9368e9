"""The directory of a download: paths, manifest, atomic writes, what is left to do."""
