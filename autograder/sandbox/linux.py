"""The kernel's own means of walling a process off, called through libc: namespaces, mounts, Landlock, seccomp, limits.

Python 3.11 has none of these calls and no living wheel brings them without a system library, so they stand here,
each a few lines. Sources: man pages unshare(2), mount(2), capabilities(7), seccomp(2), landlock(7); struct layouts
from the kernel's uapi headers.
"""

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Iterable

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
CLONE_NEWTIME = 0x80
ALL_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 0x20
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 4, 38, 22
_SIGKILL = 9


def _call(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


# --------------------------------------------------------------------------------------------------- namespaces


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones. Raises OSError where the system forbids it."""
    _call(_libc.unshare(flags), "unshare")


def map_ids(inside: int, uid: int, gid: int) -> None:
    """After unshare(CLONE_NEWUSER): the user and group ``inside`` stand for ``uid`` and ``gid`` outside."""
    for file, text in (("setgroups", "deny"), ("uid_map", f"{inside} {uid} 1"), ("gid_map", f"{inside} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as stream:
            stream.write(text)


def mount(kind: str, target: str, flags: int, options: str = "") -> None:
    _call(_libc.mount(kind.encode(), target.encode(), kind.encode(), flags, options.encode()), f"mount {target}")


def bind(source: str, target: str) -> None:
    """Show the folder ``source`` at ``target`` too."""
    _call(_libc.mount(source.encode(), target.encode(), None, MS_BIND | MS_REC, None), f"bind {target}")


def make_mounts_private() -> None:
    _call(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount --make-rprivate /")


# --------------------------------------------------------------------------------------------------- privileges


def become(account: int) -> None:
    """From the superuser to an account without rights, for good."""
    os.setgroups([])
    os.setgid(account)
    os.setuid(account)
    # The change made /proc/self the superuser's; the process must map ids there.
    _call(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def die_with_parent() -> None:
    _call(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "prctl")


def drop_privileges() -> None:
    """Give up every capability, and the way back to them, for this process and all it starts."""
    header = struct.pack("=Ii", 0x20080522, 0)
    _call(_libc.capset(header, struct.pack("=6I", *[0] * 6)), "capset")
    _call(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def limit(kind: int, value: int) -> None:
    """Set a limit, soft and hard, never above what is allowed."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


# ----------------------------------------------------------------------------------------------------- Landlock

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_O_PATH = os.O_PATH
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def landlock_version() -> int:
    """The Landlock ABI of the kernel, 0 if it has none."""
    return max(0, _libc.syscall(_LANDLOCK_CREATE, None, 0, 1))


def landlock(writable: Iterable[str]) -> None:
    """From now on files may be read everywhere and changed beneath ``writable`` only; no TCP.

    Does nothing on a kernel without Landlock: it is the second fence behind read-only mounts.
    """
    version = landlock_version()
    if not version:
        return
    # Rights on files by ABI: 13 in the first; refer, truncate, ioctl on devices came later.
    everything = (1 << 13 + (version >= 2) + (version >= 3) + (version >= 5)) - 1
    attributes = struct.pack("=QQQ", everything, 3, _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(_libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0), "landlock_create_ruleset")
    read = _EXECUTE | _READ_FILE | _READ_DIR
    for path, rights in [("/", read), ("/dev", read | _WRITE_FILE), *((path, everything) for path in writable)]:
        folder = os.open(path, _O_PATH)
        rule = struct.pack("=Qi", rights, folder)
        _call(_libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), "landlock_add_rule")
        os.close(folder)
    _call(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


# ------------------------------------------------------------------------------------------------------ seccomp

# What no data analysis needs and what break-outs are made of. Numbers: x86_64, aarch64.
_FORBIDDEN = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "memfd_secret": (447, 447),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116), "sethostname": (170, 161),
    "setdomainname": (171, 162), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "vhangup": (153, 58), "move_pages": (279, 239),
    "migrate_pages": (256, 238), "lookup_dcookie": (212, 18),
}  # fmt: skip
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x50000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32  # offsets in struct seccomp_data
_NAMESPACE_FLAGS = ALL_NAMESPACES | CLONE_NEWCGROUP | CLONE_NEWTIME


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _allow_if(value: int) -> list[bytes]:
    """Let the call through if what is loaded equals ``value``, else go on."""
    return [_step(_EQUAL, value, 0, 1), _step(_RETURN, _ALLOW)]


def seccomp_program(machine: str, network: bool = False) -> bytes:
    """The filter as BPF: forbidden calls fail with EPERM, and so do sockets other than local ones.

    ``network``: sockets of the Internet protocols, too (as far as the network namespace leads).

    Raises:
        OSError: an architecture whose call numbers are not known here.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(_ENOSYS, f"no seccomp filter for {machine}")
    column, architecture = _ARCHITECTURES[machine]
    refuse = _step(_RETURN, _ERRNO | _EPERM)
    steps = [
        _step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER),
    ]  # fmt: skip
    if machine == "x86_64":  # the x32 calls are the same calls under other numbers
        steps += [_step(_AT_LEAST, 0x40000000, 0, 1), refuse]
    for numbers in _FORBIDDEN.values():
        steps += [_step(_EQUAL, numbers[column], 0, 1), refuse]
    # clone3 hides its flags in memory; libc falls back to clone when there is none.
    steps += [_step(_EQUAL, _CLONE3[column], 0, 1), _step(_RETURN, _ERRNO | _ENOSYS)]
    steps += [
        _step(_EQUAL, _CLONE[column], 0, 4), _step(_LOAD, _FIRST_ARGUMENT), _step(_ANY_BIT, _NAMESPACE_FLAGS, 0, 1),
        refuse, _step(_RETURN, _ALLOW),
    ]  # fmt: skip
    families = (_AF_UNIX, _AF_INET, _AF_INET6) if network else (_AF_UNIX,)
    checks = [_step(_LOAD, _FIRST_ARGUMENT), *(step for family in families for step in _allow_if(family))]
    if network:  # ZeroMQ asks the kernel for the machine's addresses (NETLINK_ROUTE, protocol 0) when it starts
        checks += [_step(_EQUAL, _AF_NETLINK, 0, 3), _step(_LOAD, _THIRD_ARGUMENT), *_allow_if(0)]
    checks.append(refuse)
    steps += [_step(_EQUAL, _SOCKET[column], 0, len(checks)), *checks]
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def seccomp(network: bool = False) -> None:
    """Put the filter on this process and all it starts. It can't be taken off."""
    program = seccomp_program(platform.machine(), network)
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    _call(_libc.prctl(_PR_SET_SECCOMP, 2, described, 0, 0), "seccomp")
