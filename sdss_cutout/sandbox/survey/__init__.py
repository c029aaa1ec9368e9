"""The survey over the synthetic sky: camera, runs, fields, astrometry. SIMULATED."""
