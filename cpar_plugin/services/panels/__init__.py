"""Panels and their members: creating and editing panels, one patient, the lists that pages and files show."""
