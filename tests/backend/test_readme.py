"""The commands that the READMEs print, typed into a shell against a backend that runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .test_process import answers, started, until

ROOT = Path(__file__).parents[2]
#: Fails at the first answer that is no success.
SHELL = 'set -eu; curl() { command curl -fsS "$@"; }; URL=%s\n%s'


def commands(readme: str, first: str, last: str) -> str:
    """Return the indented lines from the first that begins with one text to the next that begins with another."""
    lines = iter((ROOT / readme).read_text().splitlines())
    found = [next(line for line in lines if line.strip().startswith(first))]
    while not found[-1].strip().startswith(last):
        found.append(next(lines))
    return "\n".join(line.strip() for line in found if line.startswith("    "))


@pytest.mark.parametrize(
    ("readme", "first", "last", "end"),
    [
        ("README.md", "JSON=", "curl $URL/v1/users/2/notifications", '"sourceId":1,'),
        ("backend/README.md", "JSON=", "curl -X DELETE $URL/v1/users/1 ", '"marked":1'),
    ],
)
def test_they_do_what_they_say(new_url, tmp_path, readme, first, last, end) -> None:  # noqa: PLR0917 - fixtures
    backend = started(tmp_path, DATABASE_URL=new_url())
    try:
        until(lambda: answers(backend, "/live", 200))
        # An ellipsis stands for what the reader has.
        typed = SHELL % (f"http://127.0.0.1:{backend.port}", commands(readme, first, last).replace("…", "xyz"))
        ran = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60, check=False)
    finally:
        backend.process.kill()
        backend.process.wait(10)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert end in ran.stdout
    assert "misses you" in ran.stdout
