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
    """Run the named benchmarks, all of them when none is named. `--whole`: of the size of the province."""
    names, options = [name for name in arguments if name != "--whole"], [one for one in arguments if one == "--whole"]
    if options and names != ["province"]:
        sys.exit("Only province has --whole.")
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    for name in names or BENCHMARKS:
        click.echo(f"== {name}")
        import_module(f"benchmarks.{name}").main(*options)


if __name__ == "__main__":
    main(sys.argv[1:])
