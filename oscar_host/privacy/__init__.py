"""What a privacy impact assessment asks about an installation on an OSCAR: `cpar privacy-pack`."""
