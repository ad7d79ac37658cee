"""The night of a fleet for those who operate it: a page and Prometheus metrics, without patient data."""
