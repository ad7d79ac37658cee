"""The plugin's own tables, prefix `cpar_`, without foreign keys into the host's."""
