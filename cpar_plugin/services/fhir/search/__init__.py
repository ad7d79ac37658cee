"""FHIR searches: a request read into values, and the page of resources that answers it."""
