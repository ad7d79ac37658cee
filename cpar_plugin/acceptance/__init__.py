"""The acceptance test of this plugin on a host: a panel from an empty form to the file of a submission.

    pytest --pyargs cpar_plugin.acceptance --host myemr.bench:open_bench

or `from cpar_plugin.acceptance import *` in a test module that has a fixture named `bench`: that of
`cpar_plugin.hooks.conformance`, whose checks are about the contract alone and pass before. Settings of the host:
`transport` is `folder`, `outbox_folder` a folder of the bench's own.
"""

from .test_submission import test_a_bulk_update_is_submitted_with_exactly_the_right_people

__all__ = ["test_a_bulk_update_is_submitted_with_exactly_the_right_people"]
