"""Which registry a clinic submits to: clinics with the same have its limits in common."""

import hashlib

from cpar_plugin.settings import Settings


def key_of(settings: Settings) -> str:
    """A registry's name in queues and folders. Empty where nothing is sent by network."""
    if settings.transport == "folder":
        return ""
    return hashlib.sha256(settings.registry_url.rstrip("/").encode()).hexdigest()[:16]
