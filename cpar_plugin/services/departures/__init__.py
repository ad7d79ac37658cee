"""A provider leaves: the steps until the patients are on panels of colleagues and the panel has ended."""
