"""The message catalogue ``crmlab/locale/crm.pot``: every sentence that the packages say to a person.

The file depends on the messages and the modules they stand in alone (no dates, no line numbers), so it changes only
when a message does.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

PACKAGES = ("crmlab", "autograder", "course")
CATALOGUE = "crmlab/locale/crm.pot"
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: crm-in-practice\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def template(root: Path) -> str:
    """The catalogue's text as the sources under ``root`` want it."""
    catalogue = Catalog(charset="utf-8")
    for package in PACKAGES:
        found = extract_from_dir(root / package, method_map=[("**.py", "python")], keywords={"_": None})
        for name, _line, message, _comments, _context in found:
            catalogue.add(message, locations=[(f"{package}/{Path(name).as_posix()}", 0)])
    out = BytesIO()
    write_po(out, catalogue, omit_header=True, sort_output=True, include_lineno=False, width=100)
    return HEADER + out.getvalue().decode("utf-8")


def is_current(root: Path) -> bool:
    """Whether the catalogue in the tree is the one that its sources want."""
    file = root / CATALOGUE
    return file.is_file() and file.read_text(encoding="utf-8") == template(root)


def update(root: Path) -> bool:
    """Write the catalogue. Returns whether it changed."""
    if is_current(root):
        return False
    file = root / CATALOGUE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(template(root), encoding="utf-8", newline="\n")
    return True
