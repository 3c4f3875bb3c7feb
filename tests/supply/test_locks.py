"""The locks hold all that the metadata asks for, agree with each other, and name no host and no path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import installer, uv

ROOT = installer.ROOT
LOCKS = {name: group.lock for name, group in installer.GROUPS.items()}


def locked(lock: Path) -> dict[str, Requirement]:
    lines = re.findall(r"^([A-Za-z0-9._-]+==[^\\\n]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


def metadata(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def asked(folder: Path, *extras: str) -> list[Requirement]:
    project = metadata(folder)["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return [Requirement(line) for line in wanted]


def closure(wanted: list[Requirement]) -> Iterator[Requirement]:
    """What is asked for, and what that asks for in turn, on this Python and platform."""
    todo, seen = list(wanted), set()
    while todo:
        each = todo.pop()
        yield each
        key = (canonicalize_name(each.name), frozenset(each.extras))
        if key in seen:
            continue
        seen.add(key)
        for line in requires(each.name) or ():
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in ("", *each.extras)):
                todo.append(further)


SOURCES = {
    "development": [*asked(ROOT, "dev"), *asked(ROOT / "local"), *asked(ROOT / "backend")],
    "demo": [*asked(ROOT), *asked(ROOT / "local"), *asked(ROOT / "backend")],
    "operator": asked(ROOT),
    "backend": asked(ROOT / "backend"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_lock_is_complete_and_fits_the_metadata(name) -> None:
    pins, count = locked(LOCKS[name]), 0
    for need in closure(SOURCES[name]):
        pin = pins.get(canonicalize_name(need.name))
        assert pin is not None, f"{LOCKS[name].name} lacks {need}: make lock"
        [version] = [spec.version for spec in pin.specifier]
        assert need.specifier.contains(version, prereleases=True), f"{pin} is not {need}: make lock"
        count += 1
    assert count > 30


@pytest.mark.parametrize("name", ["demo", "operator", "backend"])
def test_a_lock_has_the_versions_and_hashes_of_the_development_lock(name) -> None:
    def entries(lock: Path) -> dict[str, list[str]]:
        parts = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text())
        return {part.split(" ", 1)[0]: sorted(re.findall(r"sha256:\w+", part)) for part in parts}

    assert entries(LOCKS[name]).items() <= entries(LOCKS["development"]).items()


def test_what_the_demo_does_not_need_is_not_in_its_lock() -> None:
    tools = {
        canonicalize_name(Requirement(line).name) for line in metadata(ROOT)["project"]["optional-dependencies"]["dev"]
    }
    assert len(tools) > 10
    # The backend needs it, too: firebase-admin asks for httpx[http2].
    assert tools & locked(LOCKS["demo"]).keys() <= {"h2"}


@pytest.mark.parametrize("lock", [uv.LOCK, *LOCKS.values()], ids=lambda path: path.name)
def test_a_lock_names_no_index_and_no_path(lock) -> None:
    comments = [line for line in lock.read_text().splitlines() if "#" in line or "/" in line or line.startswith("-")]
    odd = [line for line in comments if re.search(r"://|--(index|find|extra)| /|\s\.\./", line)]
    assert odd == []


@pytest.mark.parametrize("name", SOURCES)
def test_all_of_a_lock_is_installed_somewhere(name) -> None:
    """Else SBOM and audit would be about packages that nobody gets: `tools/lock.py` leaves them out."""
    places = [{"sys_platform": system, "platform_system": system.capitalize()} for system in ("linux", "darwin")]
    pins = [pin for pin in locked(LOCKS[name]).values() if pin.marker is not None]
    assert [str(pin) for pin in pins if not any(pin.marker.evaluate(place) for place in places)] == []


def test_what_builds_our_packages_is_what_installs_them() -> None:
    """uv builds them itself, without fetching anything, as long as they ask for its own version."""
    pins = locked(uv.LOCK)
    [version] = [spec.version for spec in pins["uv"].specifier]
    for folder in installer.OWN:
        [wanted] = metadata(folder)["build-system"]["requires"]
        requirement = Requirement(wanted)
        assert requirement.name == "uv_build"
        assert requirement.specifier.contains(version), folder
