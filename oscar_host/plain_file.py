"""Files of settings and secrets. What is no file, such as a named pipe, would be read for ever."""

import errno
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Final

_KINDS: Final = (S_ISREG, S_ISDIR)  # of a folder the system says what it is


def content(path: Path, most: int = -1) -> bytes:
    """What is in it, so many bytes at most. Raises OSError, also for a named pipe, a socket or a device."""
    mode = path.stat().st_mode
    if not any(is_kind(mode) for is_kind in _KINDS):
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    with path.open("rb") as file:
        return file.read(most)
