"""What a privacy impact assessment asks about this plugin: read from the running system, or said of the product."""
