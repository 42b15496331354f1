"""The house itself: one source for packages, commands that exist, layers that point one way."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from ruamel.yaml import YAML

from crmlab.paths import course_root

ROOT = course_root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def locked() -> dict[str, list[Version]]:
    """Versions in requirements.lock by normalised name (several where they depend on the Python version)."""
    versions: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.M):
        versions.setdefault(name, []).append(Version(version))
    return versions


def declared() -> list[Requirement]:
    texts = [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("requirement", declared(), ids=lambda r: r.name)
def test_lock_satisfies_what_is_declared(requirement):
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    versions = locked()[name]
    assert all(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_lock_pins_hashes_and_names_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    entries = re.findall(r"^[a-z0-9._-]+==.*?(?=^[a-z0-9._-]+==|\Z)", text, re.M | re.S)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_conda_environment_takes_its_packages_from_the_lock():
    environment = YAML(typ="safe").load((ROOT / "environment.yml").read_text())
    python, pip, from_pip = environment["dependencies"]
    assert Version(python.removeprefix("python=")) >= Version(PROJECT["requires-python"].removeprefix(">="))
    assert pip == "pip"
    assert from_pip["pip"] == ["-r requirements.lock"]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readme_names_commands_and_files_that_exist(readme):
    text = (ROOT / readme).read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", text, re.M)) <= {(t, "") for t in targets} | {
        ("", t) for t in targets
    }
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("package", "forbidden"), [("crmlab", {"autograder", "course"}), ("autograder", {"course"})])
def test_packages_point_one_way(package, forbidden):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not forbidden & {name.split(".")[0] for name in names}, path


def test_old_python_is_told_in_one_sentence(tmp_path: Path):
    """`make setup` with a Python that is too old stops before it makes anything."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac\n')
    old.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "package-lock.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    told = subprocess.run(["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode
    assert "需要 Python 3.11 或更新的版本" in told.stderr
    assert "Python 3.9.2" in told.stderr
    assert not (tmp_path / ".venv").exists()


def test_import_of_the_library_loads_nothing_heavy():
    code = (
        "import sys, crmlab; print([m for m in ('pandas', 'matplotlib', 'sklearn', 'ipywidgets') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
