"""Which of several processes does what it is enough that one of them does: the one that has a lock, until it ends."""

import fcntl
import tempfile
from pathlib import Path


class Leadership:
    """Among the processes that are forked from the one that makes it. A process that makes its own leads.

    The lock is one of a file without a name: it becomes free with the process that has it, however that ends.
    """

    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp(prefix="cpar-leadership-")
        Path(name).unlink()

    def is_ours(self) -> bool:
        """Whether this process leads, from the first time that it does until it ends. Returns at once."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
