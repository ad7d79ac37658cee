"""Rows to FHIR R4 resources as plain dicts, ready for orjson. Rows in, dicts out: no SQL, no request.

Every resource carries its `id`. How resources refer to each other is a parameter, `refer`: it turns `Patient/1` into
what is in a reference. `identifiers.relative` does not change it, for a REST interface or an export;
`bundle.urns` makes the `urn:uuid:` of a transaction.
"""

if __name__ != "cpar_plugin.fhir_mappings":
    raise ImportError("import this package as cpar_plugin.fhir_mappings")
