"""What an operator may ask: does it work, and if not, how is that mended. Each check is one function."""
