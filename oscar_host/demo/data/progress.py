"""How far the work is: a bar in a terminal, else a line for every tenth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Told = Callable[[int], None]


@contextmanager
def shown(total: int, doing: str, then: str) -> Iterator[Told]:
    """Show how many of `total` are done, as the yielded function is told; `then` is what follows the last one."""
    console = Console()
    if not console.is_terminal:
        yield _in_lines(total, doing, then)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(doing, total=total)

        def told(done: int) -> None:
            bar.update(task, completed=done, description=doing if done < total else then)

        yield told


def _in_lines(total: int, doing: str, then: str) -> Told:
    tenths = 0

    def told(done: int) -> None:
        nonlocal tenths
        if done * 10 // total > tenths:
            tenths = done * 10 // total
            click.echo(f"{doing}: {tenths * 10} % ({done:,} of {total:,})")
        if done == total:
            click.echo(f"{then} ...")

    return told
