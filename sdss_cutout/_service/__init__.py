"""Facts about SkyServer and the SAS, each with its source; no behaviour."""
