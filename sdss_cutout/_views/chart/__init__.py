"""Finding charts: the field, offset stars, the slit, and the page that they stand on."""
