"""Rows to FHIR R4 resources as plain dicts, ready for orjson."""

if __name__ != "cpar_plugin.fhir_mappings":
    raise ImportError("import this package as cpar_plugin.fhir_mappings")
