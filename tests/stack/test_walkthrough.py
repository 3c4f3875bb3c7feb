"""docs/adding-a-resource.md, carried out: what it says works, and stays as little as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-resource.md"
BLOCK = re.compile(r"^`([\w./-]+)`\n\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILES, LINES = 8, 60


def blocks() -> list[tuple[str, str, str]]:
    """Return path, language and text of each block of the page."""
    return BLOCK.findall(PAGE.read_text())


def apply(root: Path) -> None:
    """Carry out what the page says, in a copy of the tree."""
    for path, language, text in blocks():
        if language != "diff":
            (root / path).write_text(text)
            continue
        content = (root / path).read_text()
        for hunk in text.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] != "+")
            assert content.count(before) == 1, f"{path} has changed: {before}"
            content = content.replace(before, "".join(line[1:] for line in lines if line[0] != "-"))
        (root / path).write_text(content)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("tree")
    for name in ("operator", "local", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(ROOT / "pyproject.toml", root)
    apply(root)
    yield root
    shutil.rmtree(root)


def run(root: Path, *command: str) -> None:
    path = os.pathsep.join(str(root / name) for name in ("", "operator", "local"))
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_as_little_as_the_page_says() -> None:
    assert len({path for path, _, _ in blocks()}) <= FILES
    [code] = [text for path, _, text in blocks() if path.startswith("operator/missyou_operator/aws/sqs")]
    body = code[code.index("@dataclass") : code.index("\n\nKINDS")].strip().splitlines()
    assert len(body) < LINES
    assert f"{len(body)} lines of class" in PAGE.read_text()


def test_the_queue_lives_its_life(tree: Path) -> None:
    run(tree, "pytest", "tests/passes/test_queue.py", "tests/stack/test_naming.py", "-p", "no:randomly")


def test_the_code_of_the_page_is_clean(tree: Path) -> None:
    paths = [path for path, _, _ in blocks() if path.endswith(".py")]
    run(tree, "ruff", "check", *paths)
    run(tree, "ruff", "format", "--check", *paths)
