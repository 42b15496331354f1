"""Where the course lies on this machine."""

import os
from pathlib import Path


def course_root() -> Path:
    """The folder that holds ``course.yml``, ``datasets/`` and ``chapters/``.

    The packages are installed from there (editable); ``CRM_COURSE_ROOT`` names another place.

    >>> (course_root() / "datasets" / "ecommerce" / "README.md").is_file()
    True
    """
    return Path(os.environ.get("CRM_COURSE_ROOT") or Path(__file__).resolve().parents[1])
