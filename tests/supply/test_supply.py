"""What is installed is hashed, what is shipped may be, and an audit that looked at nothing does not pass in silence."""

from __future__ import annotations

import ast
import re

import pytest

from tools import audit, installer, licences, uv

TOOLS = sorted((licences.ROOT / "tools").glob("*.py"))
SCRIPTS = [
    licences.ROOT / "Makefile",
    *licences.ROOT.glob("Dockerfile*"),
    *(licences.ROOT / ".ci").iterdir(),
    *(licences.ROOT / ".github/workflows").iterdir(),
]
#: Whatever can install Python packages, as a word of a command.
INSTALLER = re.compile(r"(?<![\w.-])(pip3?|uv|uvx|pipx|easy_install|conda|poetry|pdm)(?![\w./*-])")


def commands(source: str) -> list[list[str]]:
    """The literal words of each list, tuple and call of a Python program that installs something."""
    found = []
    for node in ast.walk(ast.parse(source)):
        words = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        literal = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if {"install", "sync"} & set(literal):
            found.append(literal)
    return found


def unhashed(source: str) -> list[list[str]]:
    """Those that neither demand hashes nor are about our own packages, for which nothing is fetched."""
    return [
        words
        for words in commands(source)
        if "--require-hashes" not in words and not {"--no-deps", "--offline"} <= set(words)
    ]


def test_only_the_installer_installs_and_only_with_hashes() -> None:
    assert [path.name for path in TOOLS if commands(path.read_text())] == ["installer.py", "uv.py"]
    assert [(path.name, words) for path in TOOLS for words in unhashed(path.read_text())] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_everything_else_leaves_installing_to_it(path) -> None:
    code = [line.partition(" # ")[0] for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in code if INSTALLER.search(line)] == []


@pytest.mark.parametrize(
    "line",
    ["pip install x", "RUN python -m pip --python /v install x", "\t@$(BIN)/pip install x", "uvx ruff", "run: uv sync"],
)
def test_another_way_to_install_would_be_noticed(line) -> None:
    assert INSTALLER.search(line)


def test_an_unhashed_command_would_be_noticed() -> None:
    assert unhashed('run([python, "-m", "pip", "install", "--quiet", name])')
    assert unhashed('uv.run("pip", "sync", lock)')


@pytest.mark.parametrize("lock", [uv.LOCK, *(group.lock for group in installer.GROUPS.values())], ids=lambda p: p.name)
def test_every_line_of_a_lock_has_a_hash(lock) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    assert len(entries) > 20 or lock == uv.LOCK
    assert [entry.partition(" ")[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_licences_are_listed_and_allowed(capsys) -> None:
    assert licences.main([]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("unknown", False),
    ],
)
def test_the_policy(licence, allowed) -> None:
    assert licences.Shipped("some", "1", licence).allowed is allowed


GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1"}]}
UNSEEN = {"name": "unseen", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("dependencies", "code", "said"),
    [
        ([GOOD], 0, "1 packages, no known vulnerability"),
        ([GOOD, BAD], 1, "vulnerable: bad 2: CVE-1"),
        ([UNSEEN, BAD], 1, "vulnerable: bad 2: CVE-1"),
        ([GOOD, UNSEEN], 1, "not audited: unseen"),
        ([UNSEEN], 0, "SKIPPED, nothing was audited"),
        ([], 0, "SKIPPED, nothing was audited"),
    ],
)
def test_an_audit_says_what_it_did_not_see(dependencies, code, said) -> None:
    verdict = audit.verdict_of("a.lock", dependencies)
    assert verdict.code == code
    assert said in verdict.text


@pytest.mark.parametrize(
    ("dependencies", "required", "code"), [([GOOD], True, 0), ([], False, 0), ([], True, 1), ([BAD], False, 1)]
)
def test_where_an_audit_is_required_a_skipped_one_fails(dependencies, required, code) -> None:
    verdicts = [audit.verdict_of("a.lock", [GOOD]), audit.verdict_of("b.lock", dependencies)]
    assert audit.exit_code(verdicts, required=required) == code
