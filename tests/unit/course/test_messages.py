"""Every sentence for a person stands in the catalogue, and another language needs no change of code."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from course import messages
from crmlab.paths import course_root

ROOT = course_root()
CJK = re.compile(r"[\u4e00-\u9fff]")
FILE_NAME = re.compile(r"[^\s/]+\.[a-z]+")  # names a file of the course, which is the same in every language
# Chinese there is data: names, reviews; words that are looked for
DATA = (ROOT / "crmlab" / "generate", ROOT / "crmlab" / "chinese.py")


def sources() -> list[Path]:
    found = [path for package in messages.PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if not {path, *path.parents} & set(DATA))


def is_message(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"


def bare_literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Chinese literals that are neither a message nor a docstring (of a module, function, class or attribute)."""
    for node in ast.iter_child_nodes(tree):
        if is_message(node) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if isinstance(node, ast.Constant) and CJK.search(text) and not FILE_NAME.fullmatch(text):
            yield node
        yield from bare_literals(node)


def test_no_chinese_outside_the_catalogue() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {str(node.value)[:40]}"
        for path in sources()
        for node in bare_literals(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not bare, "wrap these in _():\n" + "\n".join(bare)


def test_messages_are_plain_literals() -> None:
    """Extraction can't see a message that is computed: an f-string, a sum, a variable."""
    computed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and is_message(node)
        if not (len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str))
    ]
    assert not computed, "give _() one literal:\n" + "\n".join(computed)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('x = "客户"', 1),
        ('x = f"{n} 位客户"', 1),
        ('x = _("客户")', 0),
        ('x = _("{n} 位客户").format(n=1)', 0),
        ('"""客户"""', 0),
        ('def f():\n    """客户"""\n    return "客户"', 1),
        ('print(_("好"), "坏")', 1),
        ("x = 'customer'  # 客户", 0),
        ("x = '开始.md'", 0),
    ],
)
def test_bare_literals_are_found(code: str, found: int) -> None:
    assert len(list(bare_literals(ast.parse(code)))) == found


def package_with(folder: Path, code: str) -> Path:
    for package in messages.PACKAGES:
        (folder / package).mkdir()
    (folder / "crmlab" / "topic.py").write_text(code, encoding="utf-8")
    return folder


def test_catalogue_depends_on_messages_alone(tmp_path: Path) -> None:
    root = package_with(tmp_path, 'print(_("缺少列 {x}").format(x=1))\nprint(_("多余"))\n')
    before = messages.template(root)
    (root / "crmlab" / "topic.py").write_text('\n\n\nprint(_("多余"))\nprint(_("缺少列 {x}"))\n', encoding="utf-8")
    assert messages.template(root) == before
    assert 'msgid "缺少列 {x}"' in before
    assert "#: crmlab/topic.py\n" in before
    assert not re.search(r"\d{4}-\d\d-\d\d|topic\.py:\d", before)


def test_update_writes_once(tmp_path: Path) -> None:
    root = package_with(tmp_path, 'print(_("缺少列"))\n')
    assert not messages.is_current(root)
    assert messages.update(root)
    assert messages.is_current(root)
    assert not messages.update(root)
    (root / "crmlab" / "topic.py").write_text('print(_("缺少行"))\n', encoding="utf-8")
    assert not messages.is_current(root)


def test_another_language_needs_no_code(tmp_path: Path) -> None:
    """A catalogue that marks every message, and a process that is told to use it."""
    shutil.copytree(ROOT / "crmlab", tmp_path / "crmlab", ignore=shutil.ignore_patterns("__pycache__", "generate"))
    with open(ROOT / messages.CATALOGUE, "rb") as template:
        catalogue = read_po(template, locale="eo")
    for message in catalogue:
        if message.id:
            message.string = f"<{message.id}>"
    compiled = tmp_path / "crmlab" / "locale" / "eo" / "LC_MESSAGES" / "crm.mo"
    compiled.parent.mkdir(parents=True)
    with open(compiled, "wb") as out:
        write_mo(out, catalogue)

    message = next(m.id for m in catalogue if m.id)
    script = f"import crmlab.i18n as i; print(i.__file__); print(i._({message!r}))"
    for language, expected in (("eo", f"<{message}>"), ("zh_CN", message), ("xx", message)):
        environment = {**os.environ, "CRM_LANGUAGE": language, "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        file, said = done.stdout.rstrip("\n").split("\n", 1)
        assert Path(file).is_relative_to(tmp_path)
        assert said == str(expected)
