"""No new processes: a filter of system calls (seccomp), for what runs after it.

Root's processes are counted against no limit, and a fork bomb is faster than whoever watches from
outside. No exercise starts a process; threads are allowed, their stacks count as memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

# Audit's number of the architecture; the calls that make a process; clone, and clone with a struct.
MACHINES = {
    "x86_64": (0xC000003E, (57, 58), 56, 435),
    "aarch64": (0xC00000B7, (), 220, 435),
}
LOAD, EQUAL, AT_LEAST, HAS_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of BPF
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
OTHER_ABI, CLONE_THREAD = 0x40000000, 0x10000
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2  # arguments of prctl

Step = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def steps(machine: str) -> list[Step]:
    """Return the filter's instructions: code, steps to skip if true, if false, and operand."""
    architecture, forks, clone, clone3 = MACHINES[machine]
    refuse = [(RETURN, 0, 0, ERROR | errno.EPERM)]
    unknown = [(RETURN, 0, 0, ERROR | errno.ENOSYS)]  # so that a thread is made by clone
    found: list[Step] = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture)]
    found += [(RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    found += [(AT_LEAST, 0, 1, OTHER_ABI), *unknown, (EQUAL, 0, 1, clone3), *unknown]
    for number in forks:
        found += [(EQUAL, 0, 1, number), *refuse]
    found += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, FIRST_ARGUMENT), (HAS_BIT, 1, 0, CLONE_THREAD)]
    return [*found, *refuse, (RETURN, 0, 0, ALLOW)]


def forbid() -> None:
    """Let this process and its threads start no process from now on; only Linux can.

    Raises
    ------
    OSError
        If the kernel does not take the filter.
    """
    machine = os.uname().machine if sys.platform.startswith("linux") else ""
    if machine not in MACHINES:
        return
    packed = b"".join(struct.pack("=HBBI", *step) for step in steps(machine))
    program = _Program(len(packed) // 8, packed)
    call = ctypes.CDLL(None, use_errno=True).prctl
    none = ctypes.c_ulong(0)
    if call(NO_NEW_PRIVS, ctypes.c_ulong(1), none, none, none) or call(
        SET_SECCOMP, ctypes.c_ulong(FILTER), ctypes.byref(program), none, none
    ):
        raise OSError(ctypes.get_errno(), "the filter of system calls was not taken")
