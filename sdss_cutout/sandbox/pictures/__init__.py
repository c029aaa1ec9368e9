"""Pictures as getjpeg draws them."""
