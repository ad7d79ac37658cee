"""What the FHIR interface serves: rows of the host and of ours as resources, each with an honest version.

A version moves on when, and only when, the content does. The host does not announce its changes, so that content is
compared by its digest: at every read, and for everything there is by a job (`refresh`).
"""
