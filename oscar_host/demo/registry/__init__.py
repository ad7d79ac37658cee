"""A small receiver that stands for the registry in demos and tests. It shares no code with what builds a submission."""
