"""Install a lock into a virtual environment, for `make`, the Dockerfiles and the workflows.

This uses only the standard library. uv and its downloads stay in the project's cache, so that a second clone is set up
in a second or two, and without a network.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import uv
from tools.uv import SetupError

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv"
#: The file in a virtual environment that records what it was set up from.
_RECORD = "missyou.json"


@dataclass(frozen=True, slots=True)
class Group:
    """A lock, and those of our own packages that are installed with it, editable."""

    lock: Path
    own: tuple[Path, ...] = ()


OWN = (ROOT, ROOT / "local", ROOT / "backend")
GROUPS = {
    "demo": Group(ROOT / "requirements-demo.lock", OWN),
    "development": Group(ROOT / "requirements.lock", OWN),
    "operator": Group(ROOT / "requirements-operator.lock"),
    "backend": Group(ROOT / "backend/requirements.lock"),
}


def main(arguments: Sequence[str]) -> int:
    """Set up a group in .venv or in the given folder."""
    name, *folder = arguments
    try:
        if folder == ["--forecast"]:
            folder = []
            _say(forecast())
        set_up(name, Path(*folder).absolute() if folder else VENV)
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nsetup: interrupted; the next make continues\n")
        return 130
    return 0


def set_up(name: str, venv: Path) -> None:
    """Make an environment match its lock exactly, unless it already does. Raises SetupError."""
    try:
        with _alone(venv.parent):
            before = _recorded(venv)
            name = serving(name, before)
            after = _inputs(name, venv)
            if before == after:
                return
            if not os.access(venv.parent, os.W_OK):
                raise SetupError(f"{venv.parent} is not writable: use your own clone")
            began, locked = time.monotonic(), len(re.findall(r"^\S+==", GROUPS[name].lock.read_text(), re.MULTILINE))
            _say(f"setting up {venv.name} for {name}: {locked} packages…")
            install(GROUPS[name], venv, anew=before.get("python") != after["python"])
            (venv / _RECORD).write_text(json.dumps(after))
            _say(f"{venv.name} is ready, {time.monotonic() - began:.1f} s")
    except OSError as error:
        raise SetupError(_denied(error)) from None


def forecast() -> str:
    """Return what `make demo` will do, and how long it takes."""
    sys.path.insert(0, str(ROOT / "local"))
    from missyou_local.forecast import forecast  # noqa: PLC0415 - not in an image

    before = _recorded(VENV)
    return forecast(ROOT, os.environ, venv=before == _inputs(serving("demo", before), VENV))


def install(group: Group, venv: Path, *, anew: bool) -> None:
    """Install exactly what a group needs. Raises SetupError."""
    (venv / _RECORD).unlink(missing_ok=True)
    installer = uv.bring(uv.cache_folder())
    if anew:
        installer.run("venv", "--clear", "--no-project", "--prompt=missyou", f"--python={uv.PYTHON}", str(venv))
    into = f"--python={venv / 'bin' / 'python'}"
    sync = ("pip", "sync", into, "--require-hashes", *installer.index_options, str(group.lock))
    try:
        # If the cache has everything, this needs neither a network nor every package's index page.
        installer.run(*sync, "--offline")
    except SetupError:
        installer.run(*sync)
    if group.own:
        editable = [f"--editable={folder}" for folder in group.own]
        # uv builds these itself and fetches nothing.
        installer.run("pip", "install", into, "--no-deps", "--offline", *editable)


def serving(name: str, before: dict[str, str]) -> str:
    """Return the group to install: a development environment stays one, since it includes all of the demo."""
    return "development" if name == "demo" and before.get("group") == "development" else name


def _inputs(name: str, venv: Path) -> dict[str, str]:
    """Return what an environment depends on: its place, its Python, and the contents of lock and metadata."""
    group, digest = GROUPS[name], hashlib.sha256()
    for path in (uv.LOCK, group.lock, *(folder / "pyproject.toml" for folder in group.own)):
        digest.update(path.read_bytes())
    python = f"{Path(uv.PYTHON).resolve()} {sys.version_info[0]}.{sys.version_info[1]}"
    return {"group": name, "python": f"{python} in {venv}", "contents": digest.hexdigest()}


def _recorded(venv: Path) -> dict[str, str]:
    try:
        found = json.loads((venv / _RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return dict(found) if os.access(venv / "bin" / "python", os.X_OK) else {}


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock a folder's environments for one process at a time, if its file system supports locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _denied(error: OSError) -> str:
    where = Path(error.filename or ".")
    text = f"{where} is not writable ({error.strerror})"
    if uv.cache_folder() in (where, *where.parents) or where in uv.cache_folder().parents:
        return f"the cache {text}: set XDG_CACHE_HOME to a folder that is"
    return text


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
