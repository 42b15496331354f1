"""Writing files whole, and knowing them by their fingerprint."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put ``content`` at ``path`` in one step: a reader sees the old file or the new one, never half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".crm-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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
