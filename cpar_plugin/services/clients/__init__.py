"""Who reads through the FHIR interface: registered clients, their keys, and the tokens that they get."""
