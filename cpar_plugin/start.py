"""Where the program `cpar` begins."""

import gc


def main() -> None:
    """Import its commands, without looking for garbage in between, and run one.

    What is imported stays: to look through it again and again takes a fifth of the time of a command that does little.
    """
    gc.disable()
    from .commands import main as run

    gc.freeze()
    gc.enable()
    run()
