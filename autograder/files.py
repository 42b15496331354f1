"""Writing files whole, and knowing them by their fingerprint."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int = 0o644, durable: bool = False) -> None:
    """Put ``content`` at ``path`` in one step: a reader sees the old file or the new one, never half of it.

    ``durable``: not even when the power fails right afterwards.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".crm-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def digest(content: bytes) -> str:
    """The fingerprint of a file's content."""
    return hashlib.sha256(content).hexdigest()


def digest_of(files: Mapping[str, bytes]) -> str:
    """One fingerprint of all paths and contents, whatever their order."""
    total = hashlib.sha256()
    for place in sorted(files):
        total.update(f"{place}\0{len(files[place])}\0".encode())
        total.update(files[place])
    return total.hexdigest()
