"""The synthetic sky: where there is imaging, and what is to be seen."""
