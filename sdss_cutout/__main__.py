"""``python -m sdss_cutout`` is the command line."""

from sdss_cutout.cli import main

main(prog_name="sdss-cutout")
