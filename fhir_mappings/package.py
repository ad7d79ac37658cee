"""All definitions as a package that validators load: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping

import orjson

from ..settings import Settings
from .guide import DEPENDENCIES, DESCRIPTION, R4_CORE, TITLE
from .identifiers import Resource
from .structures import FHIR_VERSION

_INDEXED = ("id", "url", "version", "kind", "type")


def package_name(settings: Settings) -> str:
    """The name of the file, such as `invalid.cpar.panels-1.0.0.tgz`."""
    return f"{settings.fhir_package_id}-{settings.fhir_package_version}.tgz"


def package(
    settings: Settings, definitions: Iterable[Resource], views: Iterable[Resource], examples: Iterable[Resource]
) -> bytes:
    """The package as a .tgz, the same each time for the same definitions.

    `views`: ViewDefinitions. They are no resources of R4: they have a folder of their own, and are not in the index.
    """
    files: Mapping[str, object] = {
        "package.json": _manifest(settings),
        **_folder("", definitions),
        **_folder("example/", examples),
        **{f"views/{one['name']}.json": one for one in views},
    }
    archive = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in files.items():
            text = orjson.dumps(content, option=orjson.OPT_INDENT_2)
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return archive.getvalue()


def _manifest(settings: Settings) -> Resource:
    return {
        "name": settings.fhir_package_id,
        "version": settings.fhir_package_version,
        "type": "fhir.ig",
        "canonical": settings.uri_guides.removesuffix("/ImplementationGuide"),
        "title": TITLE,
        "description": DESCRIPTION,
        "author": settings.fhir_publisher,
        "license": "Apache-2.0",
        "fhirVersions": [FHIR_VERSION],
        "dependencies": dict([R4_CORE]) | {one.package_id: one.version for one in DEPENDENCIES},
    }


def _folder(path: str, resources: Iterable[Resource]) -> dict[str, object]:
    """The files of a folder by their names, with its index."""
    by_name = {f"{one['resourceType']}-{one['id']}.json": one for one in resources}
    index = {"index-version": 2, "files": [_entry(name, one) for name, one in by_name.items()]}
    return {f"{path}.index.json": index, **{path + name: one for name, one in by_name.items()}}


def _entry(name: str, resource: Resource) -> Resource:
    known = {key: resource[key] for key in _INDEXED if key in resource}
    return {"filename": name, "resourceType": resource["resourceType"], **known}
