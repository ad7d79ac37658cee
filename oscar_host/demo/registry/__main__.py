"""The registry as a process of its own, without the rest of the command line."""

from .command import command

command()
