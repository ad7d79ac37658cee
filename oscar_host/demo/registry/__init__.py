"""A small receiver in place of the registry in demos and tests. It shares no code with what builds a submission."""
