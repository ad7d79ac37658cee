"""Bulk exports (https://hl7.org/fhir/uv/bulkdata/STU3/): everything that a caller may read, written into files.

`request` is what is asked for, with `filters`, from `parameters`; `jobs` the rows of the database. `process` makes one
export out of `contents` and `changes`, perhaps in `blocks`, into `files`; `workers` are the threads that do so.
"""
