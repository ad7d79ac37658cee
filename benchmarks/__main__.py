"""`make bench`: every benchmark in turn, its ratios in one run. `python -m benchmarks bulk` runs one of them."""

import sys
from importlib import import_module

import click

BENCHMARKS = (
    "bulk",
    "submission",
    "night",
    "province",
    "due",
    "pages",
    "overview",
    "looks",
    "check_in",
    "fhir",
    "peer",
    "export",
    "reports",
    "alongside",
    "installation",
    "clinic",
    "four_cut",
)


def main(arguments: list[str]) -> None:
    """Run the named benchmarks, all of them when none is named. Options come last: province alone has some."""
    first = next((place for place, argument in enumerate(arguments) if argument.startswith("--")), len(arguments))
    names, options = arguments[:first], arguments[first:]
    if options and names != ["province"]:
        sys.exit("Only province has options.")
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    for name in names or BENCHMARKS:
        click.echo(f"== {name}")
        import_module(f"benchmarks.{name}").main(*options)


if __name__ == "__main__":
    main(sys.argv[1:])
