"""`cpar run-due`: cron calls it every minute, so that what is imported where nothing is due is most of what it costs.

Modules that are imported here ask whether something is due, and import what does it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from . import settings as plugin_settings
from .commands import host_name, open_host
from .hooks import Host
from .processes import companions
from .services.exclusions import due as exclusions
from .services.reports import hourly as reports
from .services.retention import hourly as retention
from .services.roster import rates
from .services.submissions import mail
from .services.submissions.run import ReportProgress, RunReport, run_due
from .services.submissions.texts import STATE
from .tracing import about, new_trace


@click.command("run-due")
@click.option("--now", "text", metavar="MOMENT", help="For testing: pretend the time is, e.g., 2026-11-07T03:15.")
@click.pass_context
def command(ctx: click.Context, text: str | None) -> None:
    """Do what is due: start the night run, submit, retry, email, compare exclusions and reports, count rates, remove.

    For cron or systemd, every minute.

    With --now, too, what is sent is sent, and a night that has taken place does not take place again.
    """
    host = open_host(ctx)
    settings = plugin_settings.load(host.settings)
    now = _moment(text, host) if text else host.clock.now()
    with about(trace=new_trace()):
        with _progress() as progress, companions(host_name(ctx), host, settings, now) as begin:
            report = run_due(host, settings, now, progress=progress, companions=begin)
        for line in _report_lines(report):
            click.echo(line)
        mail.send(host, settings, now)
        exclusions.compare_due(host, settings, host.clock.now())
        rates.count_due(host, settings, host.clock.now())
        reports.compare_due(host, host.clock.now())
        retention.remove_due(host, settings, host.clock.now())
    if report.errors:
        raise click.ClickException(f"Some work could not be completed ({', '.join(report.errors)}). See the log.")


def _moment(text: str, host: Host) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if not 2000 <= moment.year < 3000:  # the calendar counts on from it
            raise ValueError
    except ValueError:
        raise click.BadParameter("write it like 2026-11-07T03:15", param_hint="--now") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=host.clock.zone)).astimezone(UTC)


def _report_lines(report: RunReport) -> Iterator[str]:
    if report.night_begun:
        yield "The night run has started."
    for state, count in sorted(report.states.items()):
        yield f"{STATE[state]}: {count}."
    if report.lost:
        yield f"Taken over by another worker: {report.lost}."
    if not (report.night_begun or report.states or report.lost) and sys.stdout.isatty():
        yield "Nothing is due."  # not to cron, which would mail it every minute


@contextmanager
def _progress() -> Iterator[ReportProgress | None]:
    """A bar for several panels, where someone looks at a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("Submitting panels"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("panels", total=None, visible=False)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield show
