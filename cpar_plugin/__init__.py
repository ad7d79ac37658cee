"""Panel management for Alberta's Central Patient Attachment Registry, as a plugin for OSCAR-family EMRs."""
