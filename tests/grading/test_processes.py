"""The filter of system calls, step by step: also for the machine that the tests do not run on."""

import errno

import pytest

from grading.inside.processes import ALLOW, CLONE_THREAD, ERROR, KILL, MACHINES, steps

REFUSED, UNKNOWN = ERROR | errno.EPERM, ERROR | errno.ENOSYS
READ = {"x86_64": 0, "aarch64": 63}


def decision(machine, number, flags=0, architecture=None):
    """Run the filter as the kernel would, on one call."""
    data = {0: number, 4: architecture or MACHINES[machine][0], 16: flags}
    jumps = {0x15: lambda a, k: a == k, 0x35: lambda a, k: a >= k, 0x45: lambda a, k: bool(a & k)}
    program, at, held = steps(machine), 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            held = data[operand]
        else:
            at += if_true if jumps[code](held, operand) else if_false


@pytest.mark.parametrize("machine", MACHINES)
def test_processes_are_refused_and_threads_are_not(machine):
    _, forks, clone, clone3 = MACHINES[machine]
    assert [decision(machine, number) for number in forks] == [REFUSED] * len(forks)
    assert decision(machine, clone) == REFUSED
    assert decision(machine, clone, CLONE_THREAD) == ALLOW
    assert decision(machine, clone3) == UNKNOWN
    assert decision(machine, READ[machine]) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_the_calls_of_another_architecture_are_no_way_round(machine):
    other = next(a for a, *_ in MACHINES.values() if a != MACHINES[machine][0])
    assert decision(machine, READ[machine], architecture=other) == KILL
    assert decision(machine, 0x40000000 + 57) == UNKNOWN
