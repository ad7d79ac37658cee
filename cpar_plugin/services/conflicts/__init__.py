"""Conflicts with other clinics: the evidence about a patient, and the three ways in which the work on a line ends."""
