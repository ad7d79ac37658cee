"""Run a program as systemd would by a unit: with its system calls, address families and memory limited in the same way.

`python shut_in.py UNIT PROGRAM [ARGUMENT ...]`. The rest of a unit's limits, of files and users, needs systemd itself.
"""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

# Of libseccomp (seccomp.h), Linux (prctl.h, mman.h) and socket(2).
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7
_NO_NEW_PRIVILEGES = 38
_WRITE, _EXECUTE = 2, 4
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
_BY_ARGUMENT = {"socket", "mmap", "mprotect", "pkey_mprotect", "shmat"}


class _Compared(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def groups() -> dict[str, list[str]]:
    """What systemd's groups such as `@system-service` hold: system calls, and other groups."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True)
    results: dict[str, list[str]] = {}
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            members = results[line] = []
        elif results and (word := line.strip()) and not word.startswith("#"):
            members.append(word)
    return results


def calls_of(names: list[str], members: dict[str, list[str]]) -> set[str]:
    """The system calls of these groups, and those that are named themselves."""
    return {call for name in names for call in (calls_of(members[name], members) if name.startswith("@") else {name})}


def shut_in(unit: list[str]) -> None:
    """This process, and those that it starts, from now on."""
    values = [line.partition("=") for line in unit]
    filters = [value.split() for name, _, value in values if name == "SystemCallFilter"]
    settings = {name: value for name, _, value in values}
    [allowed, refused] = filters
    members = groups()
    calls = calls_of(allowed, members) - calls_of([refused[0].removeprefix("~"), *refused[1:]], members)
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(_FAIL_WITH | errno.EPERM))

    def rule(action: int, call: str, *compared: _Compared) -> None:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            of = (_Compared * len(compared))(*compared)
            assert seccomp.seccomp_rule_add_array(context, action, number, len(compared), of) == 0, call

    for call in sorted(calls - _BY_ARGUMENT):
        rule(_ALLOW, call)
    for family in settings["RestrictAddressFamilies"].split():
        rule(_ALLOW, "socket", _Compared(0, _EQUAL, _FAMILIES[family], 0))
    if settings["MemoryDenyWriteExecute"] == "yes":
        rule(_ALLOW, "mprotect", _Compared(2, _MASKED_EQUAL, _EXECUTE, 0))
        for one in (0, _WRITE, _EXECUTE):
            rule(_ALLOW, "mmap", _Compared(2, _MASKED_EQUAL, _WRITE | _EXECUTE, one))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    assert seccomp.seccomp_load(context) == 0


if __name__ == "__main__":
    file, *command = sys.argv[1:]
    shut_in(Path(file).read_text(encoding="utf-8").splitlines())
    os.execvp(command[0], command)
