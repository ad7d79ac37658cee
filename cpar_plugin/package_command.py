"""`cpar fhir-package`: our FHIR definitions as a package, for whoever publishes them."""

from itertools import chain
from pathlib import Path

import click

from .fhir_mappings.examples import examples
from .fhir_mappings.package import package, package_name
from .fhir_mappings.published import published
from .fhir_mappings.views import view_definitions
from .services.fhir.search.table import SEARCHABLE
from .settings import load


@click.command("fhir-package")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The folder to write to.")
@click.option("--set", "changed", multiple=True, metavar="NAME=VALUE", help="A setting, such as an address.")
def command(out: Path, changed: tuple[str, ...]) -> None:
    """Write profiles, extensions, codes, searches, the topic, tables, and examples as a package (.tgz)."""
    if wrong := [one for one in changed if "=" not in one]:
        raise click.BadParameter(f"Write {wrong[0]} as NAME=VALUE.", param_hint="--set")
    settings = load(dict(one.split("=", 1) for one in changed))
    out.mkdir(parents=True, exist_ok=True)
    target = out / package_name(settings)
    definitions = chain.from_iterable(published(settings, SEARCHABLE).values())
    target.write_bytes(package(settings, definitions, view_definitions(settings), examples(settings)))
    click.echo(str(target))
