"""Clocks of machines: processes get one that is off, by a library of C that answers in place of the system's."""

import os
import struct
import subprocess
from datetime import datetime
from pathlib import Path

from ...conftest import ALBERTA

_SOURCE = Path(__file__).with_name("clock.c")


class MachineClock:
    """One machine's. It runs, and can be set at any time."""

    def __init__(self, folder: Path, moment: datetime) -> None:
        folder.mkdir(exist_ok=True)
        self._seconds = 0
        self._file, library = folder / "clock", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        self.move_to(moment)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, _SOURCE], check=True)
        self.environment = {"LD_PRELOAD": str(library), "MACHINE_CLOCK": str(self._file)}

    def move_to(self, moment: datetime) -> None:
        """It shows this moment now, and runs on."""
        self.advance(round((moment - datetime.now(ALBERTA)).total_seconds()) - self._seconds)

    def advance(self, seconds: int) -> None:
        """It jumps."""
        self._seconds += seconds
        file = os.open(self._file, os.O_WRONLY)  # the same file: it is mapped
        os.pwrite(file, struct.pack("q", self._seconds), 0)
        os.close(file)
