"""Lists of lines to work on, whatever they are about: who has taken a line, how far it is, and what is noted."""
