"""What is installed is hashed, what is shipped may be, and an audit that looked at nothing does not pass in silence."""

from __future__ import annotations

import re

import pytest

from tools import audit, licences


def installs() -> list[tuple[str, str]]:
    """Every command that installs packages, by the file that it is in."""
    files = [licences.ROOT / "Makefile", *licences.ROOT.glob("Dockerfile*"), *(licences.ROOT / ".ci").iterdir()]
    return [
        (path.name, command)
        for path in files
        for command in re.findall(r"pip (?:--\S+ \S+ )?install[^\n&|;]*", path.read_text().replace("\\\n", " "))
    ]


def test_nothing_is_installed_without_a_hash() -> None:
    assert {name for name, _ in installs()} == {"Makefile", "Dockerfile.app", "Dockerfile.operator"}
    for name, command in installs():
        own = "--no-deps" in command and "--no-build-isolation" in command
        assert "--require-hashes" in command or own, f"{name}: {command}"


@pytest.mark.parametrize("lock", [*licences.LOCKS.values(), licences.ROOT / "requirements.lock"], ids=lambda p: p.name)
def test_every_line_of_a_lock_has_a_hash(lock) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    assert len(entries) > 20
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
    verdict = audit.judge("a.lock", dependencies)
    assert verdict.code == code
    assert said in verdict.text


@pytest.mark.parametrize(
    ("dependencies", "required", "code"), [([GOOD], True, 0), ([], False, 0), ([], True, 1), ([BAD], False, 1)]
)
def test_where_an_audit_is_required_a_skipped_one_fails(dependencies, required, code) -> None:
    verdicts = [audit.judge("a.lock", [GOOD]), audit.judge("b.lock", dependencies)]
    assert audit.exit_code(verdicts, required=required) == code
