"""Reports of the registry: uploaded, their rows matched with patients, and shown."""
