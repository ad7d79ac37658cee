"""The embedded EMR with an invented clinic, to try everything with one command."""
