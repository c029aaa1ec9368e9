"""Frames of the SAS become calibrated cutouts: reading, astrometry, noise, mosaics; pure."""
