"""How far the work is: a bar in a terminal, else a line for every tenth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Show = Callable[[int], None]


@contextmanager
def progress_bar(total: int, title: str, ending: str) -> Iterator[Show]:
    """Show how many of `total` are done, as passed to the yielded function; `ending` is what follows the last one."""
    console = Console()
    if not console.is_terminal:
        yield _in_lines(total, title, ending)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def show(done: int) -> None:
            bar.update(task, completed=done, description=title if done < total else ending)

        yield show


def _in_lines(total: int, title: str, ending: str) -> Show:
    tenths = 0

    def show(done: int) -> None:
        nonlocal tenths
        if done * 10 // total > tenths:
            tenths = done * 10 // total
            click.echo(f"{title}: {tenths * 10} % ({done:,} of {total:,})")
        if done == total:
            click.echo(f"{ending} ...")

    return show
