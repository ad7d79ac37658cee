"""The plugin's Jinja templates."""

from pathlib import Path

if __name__ != "cpar_plugin.templates":
    raise ImportError("import this package as cpar_plugin.templates")

FOLDER = Path(__file__).parent
