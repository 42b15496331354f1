"""Whole messages over a local socket, each as its length and its bytes; a descriptor may ride along."""

import socket
import struct
import threading
import time

MOST = 40 * 2**20
"""Bytes of the longest message that is accepted."""

_HEADER = struct.Struct("!I")


class ChannelClosedError(Exception):
    """The other side is gone."""


class MisbehavedError(Exception):
    """The other side sent what no honest side sends."""


class Channel:
    """One end of a socket pair.

    ``receive`` waits ``timeout`` seconds for the *whole* message: a peer that sends a byte now and then gains nothing.
    What had come by then is kept, and the next ``receive`` goes on from there.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._come = bytearray()
        self._sending = threading.Lock()

    @classmethod
    def pair(cls) -> tuple["Channel", socket.socket]:
        """A channel and the other end, to be handed to another process."""
        mine, other = socket.socketpair()
        return cls(mine), other

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: bytes, descriptor: int | None = None, timeout: float | None = None) -> None:
        with self._sending:  # a student's threads may print at once
            self._socket.settimeout(timeout)
            try:
                if descriptor is None:
                    self._socket.sendall(_HEADER.pack(len(message)))
                else:
                    socket.send_fds(self._socket, [_HEADER.pack(len(message))], [descriptor])
                self._socket.sendall(message)
            except OSError as error:
                raise _translated(error) from None

    def receive(self, timeout: float | None = None) -> bytes:
        """The next message. Raises ChannelClosedError, TimeoutError, MisbehavedError."""
        until = None if timeout is None else time.monotonic() + timeout
        self._gather(_HEADER.size, until)
        (length,) = _HEADER.unpack_from(self._come)
        if length > MOST:
            raise MisbehavedError(f"a message of {length} bytes")
        self._gather(_HEADER.size + length, until)
        message = bytes(memoryview(self._come)[_HEADER.size :])
        self._come = bytearray()
        return message

    def receive_with_descriptor(self) -> tuple[bytes, int | None]:
        """The next message and the descriptor that came with it. Only for messages of a trusted peer."""
        self._socket.settimeout(None)
        header, descriptors, _flags, _address = socket.recv_fds(self._socket, _HEADER.size, 1)
        if not header:
            raise ChannelClosedError
        self._come += header
        return self.receive(), descriptors[0] if descriptors else None

    def close(self) -> None:
        self._socket.close()

    def _gather(self, count: int, until: float | None) -> None:
        """Receive until ``count`` bytes of the message have come, never more."""
        while len(self._come) < count:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            try:
                part = self._socket.recv(min(count - len(self._come), 1 << 20))
            except OSError as error:
                raise _translated(error) from None
            if not part:
                raise ChannelClosedError
            self._come += part


def _translated(error: OSError) -> Exception:
    return error if isinstance(error, TimeoutError) else ChannelClosedError()
