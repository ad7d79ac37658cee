"""An invented clinic with the mess that real clinics have, the same for the same seed."""
