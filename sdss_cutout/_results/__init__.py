"""The outcome of a target, the result columns, and the lists and reports that hold them."""
