"""How a submission leaves the clinic."""
