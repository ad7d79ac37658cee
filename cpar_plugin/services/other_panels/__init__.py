"""Affiliations and caseloads: lists of the clinic's own, apart from CPAR panels, and never submitted."""
