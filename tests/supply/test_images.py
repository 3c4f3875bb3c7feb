"""The Dockerfiles' build stages run outside Docker, on the files that they copy and on nothing else."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import uv
from tools.installer import ROOT

IMAGES = {"Dockerfile.app": "missyou_backend.app", "Dockerfile.operator": "missyou_operator.__main__"}


def stage(name: str) -> list[str]:
    """The instructions of the stage that builds."""
    [text] = [each for each in (ROOT / name).read_text().replace("\\\n", " ").split("\nFROM ") if " AS build\n" in each]
    return [line for line in text.splitlines()[1:] if line and not line.startswith("#")]


def sent(path: str) -> bool:
    """Whether .dockerignore lets a file into the context."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    return any(path == rule[1:] or path.startswith(f"{rule[1:]}/") or fnmatch.fnmatch(path, rule[1:]) for rule in rules)


@pytest.mark.parametrize("name", IMAGES)
def test_a_build_stage_makes_what_runs(name, tmp_path) -> None:
    def inside(text: str) -> str:
        return re.sub(r"(?<![\w.])/(?=(app|venv|tmp)\b)", f"{tmp_path}/", text)

    (tmp_path / "tmp/cache/missyou").mkdir(parents=True)
    (uv.cache_folder() / "uv").mkdir(parents=True, exist_ok=True)
    (tmp_path / "tmp/cache/missyou/uv").symlink_to(uv.cache_folder() / "uv")
    folder = tmp_path
    for line in stage(name):
        verb, _, rest = line.partition(" ")
        if verb == "WORKDIR":
            folder = tmp_path / rest.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
        elif verb == "COPY":
            *sources, target = rest.split()
            for source in sources:
                assert sent(source), f".dockerignore keeps {source} away"
                into = Path(inside(target)) if target.startswith("/") else folder / target
                if target.endswith("/"):
                    into = into / Path(source).name
                into.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / source).is_dir():
                    # Other tests compile the same modules meanwhile: their half-written files come and go.
                    shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, into)
        elif verb == "RUN":
            path = f"{Path(uv.PYTHON).parent}:/usr/bin:/bin"
            # Compiling all of it takes ten seconds; the app alone shows that the command is right.
            command = inside(rest.replace("/venv /app", "/app")).replace("python3.11", f"python3.{sys.version_info[1]}")
            done = subprocess.run(
                ["sh", "-ec", command],
                cwd=folder,
                env=os.environ | {"PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        else:
            raise AssertionError(line)
    command = [tmp_path / "venv/bin/python", "-c", f"import {IMAGES[name]}"]
    done = subprocess.run(command, cwd=tmp_path / "app", env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
