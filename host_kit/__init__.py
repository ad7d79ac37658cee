"""What any host of plugins needs, whatever its EMR: database, migrations, application, error pages, clock, jobs.

`oscar_host` is built with it, and so may be a host for another EMR. The plugin itself never imports it.
"""

if __name__ != "cpar_plugin.host_kit":
    raise ImportError("import this package as cpar_plugin.host_kit")
