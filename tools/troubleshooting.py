"""Write the tables of docs/troubleshooting.md from the catalogue of reasons: `make troubleshooting`."""

from __future__ import annotations

from pathlib import Path

from missyou_operator.api.reasons import CATALOGUE, Who

PAGE = Path(__file__).parent.parent / "docs" / "troubleshooting.md"
#: What stands above it is written by hand.
MARK = "<!-- From here on generated from the catalogue of reasons: make troubleshooting -->\n"


def tables() -> str:
    """Return a table for each answer to the question who ends it."""
    parts = []
    for who in Who:
        rows = sorted((reason, row) for reason, row in CATALOGUE.items() if row.who is who)
        parts += [f"\n## {who}\n\n| reason | what it means | what to do |\n|---|---|---|\n"]
        parts += [f"| `{reason}` | {row.meaning} | {row.remedy} |\n" for reason, row in rows]
    return "".join(parts)


def page() -> str:
    """Return the whole page, its first part as it stands."""
    return PAGE.read_text().partition(MARK)[0] + MARK + tables()


if __name__ == "__main__":
    PAGE.write_text(page())
