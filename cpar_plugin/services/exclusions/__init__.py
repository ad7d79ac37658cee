"""Everyone who will be excluded, over all panels, as a list to work on: compared with the rules, shown, and changed."""
