"""Which Pythons are supported is said in one place, and everything else agrees."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tools import setup_venv
from tools.installer import OWN, ROOT

MINORS = setup_venv.supported()
NAMES = [f"3.{minor}" for minor in MINORS]


@pytest.mark.parametrize("folder", OWN, ids=lambda folder: folder.name)
def test_metadata_agrees(folder) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={NAMES[0]},<3.{MINORS[-1] + 1}"
    assert project["classifiers"] == [f"Programming Language :: Python :: {name}" for name in NAMES]


def test_linters_look_for_what_the_oldest_one_cannot_do() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tool["ruff"]["target-version"] == f"py{NAMES[0].replace('.', '')}"
    assert tool["mypy"]["python_version"] == NAMES[0]


def test_workflows_and_images_use_supported_ones() -> None:
    used = [
        version
        for path in (ROOT / ".github/workflows").iterdir()
        for version in versions(yaml.safe_load(path.read_text()))
    ]
    used += [re.search(r"python:(\d+\.\d+)\.\d+-", path.read_text())[1] for path in ROOT.glob("Dockerfile.*")]
    assert len(used) > 3
    assert set(used) <= set(NAMES)


def versions(content) -> list[str]:
    """Every `python-version` of a workflow, also those of a matrix."""
    if isinstance(content, list):
        return [each for part in content for each in versions(part)]
    if not isinstance(content, dict):
        return []
    own = content.get("python-version", [])
    named = [str(each) for each in (own if isinstance(own, list) else [own]) if "${{" not in str(each)]
    return named + [each for key, part in content.items() if key != "python-version" for each in versions(part)]


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_the_pages_name_them(page) -> None:
    assert f"Python {', '.join(NAMES[:-1])} or {NAMES[-1]}" in (ROOT / page).read_text()


@pytest.mark.parametrize(
    ("version", "fine"),
    [((2, 7), False), ((3, MINORS[0] - 1), False), ((3, MINORS[-1] + 1), False), ((3, MINORS[0]), True)],
)
def test_another_one_is_refused_in_a_line(version, fine) -> None:
    said = setup_venv.complaint(version, MINORS)
    assert (said is None) is fine
    if said:
        assert "\n" not in said
        assert all(name in said for name in NAMES)


def test_the_remedy_is_a_python_that_runs(tmp_path, monkeypatch) -> None:
    """Not one that is only a name, as the shim of a Python that pyenv has switched off."""
    for minor, code in zip(MINORS[-2:], (0, 1), strict=True):
        (tmp_path / f"python3.{minor}").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / f"python3.{minor}").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup_venv.complaint((3, 9), MINORS).endswith(f"make PYTHON=python{NAMES[-2]}")
    (tmp_path / f"python{NAMES[-2]}").unlink()
    assert "install one of these" in setup_venv.complaint((3, 9), MINORS)


def test_an_old_python_can_read_the_file_that_refuses_it() -> None:
    """Its own parser would tell; where none is at hand, at least nothing is in it that came after Python 2.7."""
    source = (ROOT / "tools/setup_venv.py").read_text()
    assert not re.search(r"\bf[\"']|:=|->|from __future__|\bnonlocal\b", source)
    done = subprocess.run(
        [sys.executable, "-c", "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 4))"],
        input=source,
        text=True,
        check=False,
    )
    assert done.returncode == 0
