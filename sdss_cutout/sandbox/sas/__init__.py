"""A stand-in for SDSS's Science Archive Server: runs, fields and calibrated frames. SIMULATED."""
