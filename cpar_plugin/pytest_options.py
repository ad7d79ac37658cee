"""Lets pytest know the option `--host` where it is to run the checks of a host, and nowhere else.

pytest loads this at its start, in every project of an environment with this package. So it imports nothing.
"""

from typing import Any

KIT = "cpar_plugin.hooks.conformance"
SUITES = (KIT, "cpar_plugin.acceptance")


def pytest_load_initial_conftests(early_config: Any, args: list[str]) -> None:
    if any(argument.split("::")[0].startswith(SUITES) for argument in args):
        early_config.pluginmanager.import_plugin(f"{KIT}.command_line")
