"""How much one submission may use."""

from msgspec import Struct

MIB = 2**20


class Limits(Struct, frozen=True):
    """Limits of a room. A busy machine must not cost points: where nothing else is said, time stands still while a room
    wants to run and the machine runs others (:class:`autograder.sandbox.house.Deadline`).

    Attributes:
        cell_seconds: time of one cell; then it is interrupted like with the stop button.
        grace_seconds: how long an interrupted cell may take to stop; then the room is closed.
        seconds: time of the whole room.
        cpu_seconds: CPU time of a process.
        memory: bytes that the room's processes may hold together.
        processes: processes and threads.
        scratch: bytes of files in the room's own /tmp, and again in /dev/shm.
        file: bytes of one file.
        open_files: descriptors of a process.
        output: bytes of text that one cell may show; the rest is cut off.
        pictures: bytes of pictures and tables that one cell may show; all cells together four times that.
    """

    cell_seconds: float = 60
    grace_seconds: float = 5
    seconds: float = 300
    cpu_seconds: int = 180
    memory: int = 2048 * MIB
    processes: int = 96
    scratch: int = 256 * MIB
    file: int = 256 * MIB
    open_files: int = 512
    output: int = MIB // 4
    pictures: int = 8 * MIB
