"""What an operator may ask: does it work, and if not, how can it be fixed. Each check is one function."""
