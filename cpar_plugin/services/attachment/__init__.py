"""Whose patient someone is, over all panels and for patients on none."""
