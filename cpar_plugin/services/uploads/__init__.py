"""Lists and reports that people upload: read, their columns understood, their rows matched with patients.

What is then done with the patients is not decided here: see services.bulk for a list whose patients join panels.
"""
