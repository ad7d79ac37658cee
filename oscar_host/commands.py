"""The subcommands that this host adds to `cpar`, through the entry point group `cpar.commands`."""

import click

from cpar_plugin.commands import Later


def register(group: click.Group) -> None:
    """Add the subcommands to the group `cpar`."""
    group.add_command(
        Later("demo", "oscar_host.demo.tryout", "Try it out: a clinic, a panel, a submission.", extra="demo")
    )
    group.add_command(Later("demo-data", "oscar_host.demo.data.command", "Fill a database with an invented clinic."))
    group.add_command(
        Later(
            "install-oscar",
            "oscar_host.install.command",
            "Print or write the files for an installation alongside OSCAR.",
        )
    )
    group.add_command(
        Later(
            "install-fleet",
            "oscar_host.install.fleet_command",
            "Print or write the files for a fleet on several machines.",
        )
    )
    group.add_command(
        Later("doctor", "oscar_host.doctor.command", "Check this host, and say how to fix what is wrong.")
    )
    group.add_command(Later("fleet", "oscar_host.fleet.command", "Serve many clinics with one installation."))
    group.add_command(Later("migrate", "oscar_host.migrate", "Create or update the plugin's tables."))
    group.add_command(
        Later("privacy-pack", "oscar_host.privacy.command", "Describe this system for a privacy impact assessment.")
    )
    group.add_command(
        Later("registry", "oscar_host.demo.registry.command", "Run a registry to send panels to.", extra="demo")
    )
    group.add_command(Later("serve", "oscar_host.demo.serve", "Run the embedded EMR."))
