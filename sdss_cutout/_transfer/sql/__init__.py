"""SQL becomes a table: the text is cleaned, sent as astroquery would, and its answer checked."""
