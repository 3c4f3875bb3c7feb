"""What a run has measured: as a table, as JSON, and as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from .rows import Row, as_json

_HEIGHT, _LEFT, _WIDTH, _BAR = 26, 430, 360, 7
_COLOURS = {"before": "#b8bec8", "now": "#2f6fde"}


def circumstances() -> dict[str, Any]:
    """Return where and of what it was measured."""
    git = ["git", "-C", str(Path(__file__).parent)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    return {
        "commit": commit.strip() + (" and what is not committed" if changed.strip() else ""),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end",
        "python": platform.python_version(),
    }


def table(rows: Sequence[Row]) -> str:
    """Return the rows for a person."""
    lines = [f"{'':<58}{'before':>9}{'now':>10}{'target':>9}"]
    for row in rows:
        now = f"{_number(row.value)} {row.unit}".strip()
        lines.append(f"{row.title:<58}{_number(row.before):>9}{now:>10}{_number(row.target, '≤ '):>9}")
    methods = dict.fromkeys(f"{row.name}: {row.method}" for row in rows)
    return "\n".join([*lines, "", *methods])


def write(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write `name`.json and `name`.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {**circumstances(), "rows": [as_json(row) for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    (folder / f"{name}.svg").write_text(picture(rows, f"commit {found['commit']}, {found['machine']}"))


def picture(rows: Sequence[Row], caption: str) -> str:
    """Return bars on a logarithmic scale, each row on its own: before, now, and a line where the target is."""
    height = _HEIGHT * (len(rows) + 2)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 90}" height="{height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        (
            f'<rect width="100%" height="100%" fill="white"/><text x="8" y="17" fill="#555">{escape(caption)}; '
            "grey: before, blue: now, red: target</text>"
        ),
    ]
    for place, row in enumerate(rows, 1):
        top = _HEIGHT * place + 4
        most = max(row.value, row.before or 0, row.target or 0)
        parts.append(f'<text x="8" y="{top + 12}">{escape(row.title)}</text>')
        for offset, (name, value) in enumerate((("before", row.before), ("now", row.value))):
            if value is not None:
                parts.append(
                    f'<rect x="{_LEFT}" y="{top + offset * (_BAR + 1)}" width="{_length(value, most):.1f}" '
                    f'height="{_BAR}" fill="{_COLOURS[name]}"/>'
                )
        if row.target:
            x = _LEFT + _length(row.target, most)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2}" y2="{top + 17}" stroke="#d43d2f"/>')
        label = f"{_number(row.value)} {row.unit}".strip()
        parts.append(f'<text x="{_LEFT + _WIDTH + 8}" y="{top + 12}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _length(value: float, most: float) -> float:
    """Return the length of a bar: a thousandth of the longest is nothing."""
    if value <= 0 or most <= 0:
        return 1.0
    return max(1.0, _WIDTH * (1 + math.log10(value / most) / 3))


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{sign}{value:.0f}" if value >= 100 or value == int(value) else f"{sign}{value:.2f}"
