"""SkyServer's SQL over the synthetic catalogue: dialect, tables, functions, forms of answers."""
