"""The rules, without Flask and without SQL."""
