"""Bulk exports (https://hl7.org/fhir/uv/bulkdata/STU2/): everything that a caller may read, written into files.

`request` is what is asked for, `jobs` the rows of the database, `process` makes one export out of `contents` and
`changes` into `files`, `workers` are the threads that do so.
"""
