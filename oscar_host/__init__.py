"""The host side for OSCAR-family EMRs: on a real OSCAR database, or alone as a small embedded EMR."""
