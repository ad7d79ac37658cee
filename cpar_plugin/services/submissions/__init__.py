"""Submitting panels: a request is asked for, comes due in a night run, is prepared, sent, and ends in one final state.

Every step is a row of `cpar_submission` that changes its state; nothing lives only in a process's memory.
"""
