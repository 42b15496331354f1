"""The seccomp filter, run on a small machine of its own: every architecture, whatever this one is."""

import struct

import pytest

from autograder.sandbox import linux

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(
    machine: str, call: int, argument: int = 0, architecture: int | None = None, third: int = 0, network: bool = False
) -> int:
    """What the filter answers to a call with this number and these arguments (BPF, as seccomp(2) describes it)."""
    program = linux.seccomp_program(machine, network)
    steps = [struct.unpack_from("=HBBI", program, place) for place in range(0, len(program), 8)]
    data = struct.pack("=iIQQQQ", call, architecture or MACHINES[machine], 0, argument, 0, third)
    held, place = 0, 0
    while True:
        code, then, otherwise, value = steps[place]
        place += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (held,) = struct.unpack_from("=I", data, value)
        else:
            taken = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            place += then if taken else otherwise


@pytest.mark.parametrize("machine", MACHINES)
def test_every_forbidden_call_fails(machine):
    column = list(MACHINES).index(machine)
    for name, numbers in linux._FORBIDDEN.items():
        assert verdict(machine, numbers[column]) == EPERM, name


@pytest.mark.parametrize(("machine", "read", "write", "mmap"), [("x86_64", 0, 1, 9), ("aarch64", 63, 64, 222)])
def test_everyday_calls_pass(machine, read, write, mmap):
    assert {verdict(machine, call) for call in (read, write, mmap)} == {ALLOW}


@pytest.mark.parametrize(
    ("machine", "clone", "clone3", "socket"), [("x86_64", 56, 435, 41), ("aarch64", 220, 435, 198)]
)
def test_processes_yes_namespaces_no_and_only_local_sockets(machine, clone, clone3, socket):
    threads_flags = 0x3D0F00  # what libc gives for a thread
    assert verdict(machine, clone, threads_flags) == ALLOW
    for namespace in (0x20000, 0x10000000, 0x20000000, 0x40000000, 0x80):
        assert verdict(machine, clone, threads_flags | namespace) == EPERM
    assert verdict(machine, clone3) == ENOSYS
    assert verdict(machine, socket, 1) == ALLOW
    for family in (0, 2, 10, 16, 17, 40):
        assert verdict(machine, socket, family) == EPERM


def test_another_architecture_is_killed_and_x32_calls_fail():
    assert verdict("x86_64", 0, architecture=0x40000003) == KILL
    assert verdict("x86_64", 0x40000000 + 101) == EPERM


def test_an_unknown_machine_is_refused():
    with pytest.raises(OSError, match="riscv64"):
        linux.seccomp_program("riscv64")


@pytest.mark.parametrize(("machine", "socket"), [("x86_64", 41), ("aarch64", 198)])
def test_a_server_may_use_the_internets_protocols_and_ask_for_addresses(machine, socket):
    assert {verdict(machine, socket, family, network=True) for family in (1, 2, 10, 16)} == {ALLOW}
    assert {verdict(machine, socket, family, network=True) for family in (0, 17, 40)} == {EPERM}
    assert {verdict(machine, socket, 16, third=protocol, network=True) for protocol in (9, 12, 15, 16)} == {EPERM}
