"""What a submission sends, taken at one moment and stored: see `build`."""
