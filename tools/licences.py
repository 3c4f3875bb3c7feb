"""Write docs/licences.md: the licences of everything that ships with the operator and the backend.

python tools/licences.py            compares; fails if the page is stale or a licence is not allowed
python tools/licences.py --write    writes the page
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import metadata as metadata_of
from pathlib import Path
from typing import cast

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/licences.md"
LOCKS = {"operator": ROOT / "requirements-operator.lock", "backend": ROOT / "backend/requirements.lock"}
#: The licences that may ship, as SPDX identifiers. LGPL and MPL bind changes to the library; we make none.
ALLOWED = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
)
#: What packages without an SPDX expression write in their metadata → SPDX identifier.
_CALLED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}
#: Packages with ambiguous metadata → the licence in their licence files.
_READ = {"pyasn1-modules": "BSD-2-Clause", "python-dateutil": "Apache-2.0 OR BSD-3-Clause"}


@dataclass(frozen=True, slots=True)
class Shipped:
    """A package of a lock and its licence, as an SPDX expression if known."""

    name: str
    version: str
    licence: str

    @property
    def allowed(self) -> bool:
        """Return whether the policy allows it: all parts of the expression or, with OR, one of them."""
        choices = re.split(r"\s+OR\s+", self.licence)
        return any(set(re.split(r"\s+AND\s+", choice)) <= ALLOWED for choice in choices)


def locked(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield name and version of each package that a lock installs on this platform."""
    for line in re.findall(r"^([A-Za-z0-9._-]+==[^\\\n]+)", lock.read_text(), re.MULTILINE):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement.name, str(requirement.specifier).removeprefix("==")


def licence(name: str, metadata: Message) -> str:
    """Return a package's licence: its SPDX expression, or the one for its free text or classifiers."""
    if name in _READ:
        return _READ[name]
    if metadata.get("License-Expression"):
        return str(metadata["License-Expression"])
    text = str(metadata.get("License") or "").strip()
    classifiers = [entry for entry in metadata.get_all("Classifier") or () if entry.startswith("License ::")]
    if not text or "\n" in text or len(text) > 40:
        text = classifiers[0].rpartition(" :: ")[2] if classifiers else "unknown"
    return _CALLED.get(text, text)


def shipped(lock: Path) -> list[Shipped]:
    """Return a lock's packages with their licences, read from what is installed here."""
    return [
        Shipped(name, version, licence(name, cast("Message", metadata_of(name))))
        for name, version in sorted(locked(lock))
    ]


def page() -> str:
    """Return the page."""
    parts = ["# Licences\n\nWritten by `make licences` from what the locks install. The policy: `tools/licences.py`.\n"]
    for part, lock in LOCKS.items():
        rows = "\n".join(f"| {each.name} | {each.version} | {each.licence} |" for each in shipped(lock))
        parts.append(f"## {part.capitalize()}\n\n| package | version | licence |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or report what is wrong with it."""
    if arguments == ["--write"]:
        PAGE.write_text(page())
    troubles = [
        f"{each.name} {each.version}: {each.licence} is not allowed (tools/licences.py)"
        for lock in LOCKS.values()
        for each in shipped(lock)
        if not each.allowed
    ]
    if not PAGE.exists() or PAGE.read_text() != page():
        troubles.append("docs/licences.md is stale: make licences")
    for trouble in troubles:
        sys.stderr.write(f"{trouble}\n")
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
