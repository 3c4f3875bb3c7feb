"""docs/security.md names tests and pages that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_each_attack_names_a_test_that_exists() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| [0-9+]+ \|", line)]
    assert len(rows) > 25
    for row in rows:
        named = re.findall(r"`([a-z0-9_/]+(?:\.py|/))`", row)
        assert named or "the same" in row, f"no test is named: {row}"
        missing = [path for path in named if not (ROOT / "tests" / path).exists()]
        assert not missing, f"{missing} of: {row}"


def test_its_links_lead_somewhere() -> None:
    for page, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", PAGE)):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
            for line in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert not anchor or anchor in headings, f"{page} has no section {anchor}"
