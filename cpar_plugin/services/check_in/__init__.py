"""The check-in list: the day's appointments with something to ask, and what came of asking."""
