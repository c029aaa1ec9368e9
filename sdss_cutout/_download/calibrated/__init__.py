"""The run for calibrated cutouts: search fields, fetch frames, cut, field by field."""
