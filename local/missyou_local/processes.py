"""Background processes that a later command finds again by a recorded pid, never mistaking another process for them.

A pid alone may have been given to another program since; together with the time at which the process started it is
unique, so nothing is ever stopped by name or by chance.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What this process started itself. Each is polled now and then, so that one that ended does not stay a zombie.
_CHILDREN: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class Process:
    """A recorded process."""

    name: str
    pid: int
    started: str
    log: Path

    def alive(self) -> bool:
        """Return whether this very process still runs."""
        return start_time(self.pid) == self.started

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def stop(self, patience: float = 15.0) -> None:
        """Terminate it, and kill it after `patience` seconds. A process that merely has its pid is left alone."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive():
                return
            os.kill(self.pid, sig)
            if wait_until(lambda: not self.alive(), patience):
                return


def start_time(pid: int) -> str | None:
    """Return the start time of a process in the system's own format, None if there is no such process."""
    try:
        if sys.platform == "linux":
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] == "Z" else fields[19]
        command, plain = ["ps", "-o", "stat=,lstart=", "-p", str(pid)], os.environ | {"LC_ALL": "C", "TZ": "UTC"}
        output = subprocess.run(command, capture_output=True, text=True, check=False, env=plain).stdout.strip()
        return None if output.startswith("Z") else output.partition(" ")[2].strip() or None
    except OSError:
        return None


def write_record(path: Path, pid: int, started: str | None) -> None:
    """Record a process so that it can never be mistaken for another that gets its pid later."""
    path.write_text(json.dumps({"pid": pid, "started": started}))


def read_record(path: Path) -> tuple[int, str] | None:
    """Return pid and start time of a recorded process, None if the record is missing or damaged, or it has ended."""
    try:
        data = json.loads(path.read_text())
        pid, started = int(data["pid"]), str(data["started"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return (pid, started) if start_time(pid) == started else None


def start(folder: Path, name: str, command: Sequence[str], environ: Mapping[str, str]) -> Process:
    """Start a program that outlives this one, its output in `<folder>/<name>.log`, and record it in `<folder>`."""
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            list(command), stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=dict(environ), start_new_session=True
        )
    _CHILDREN.append(child)
    process = Process(name, child.pid, start_time(child.pid) or "", log)
    write_record(folder / f"{name}.pid", process.pid, process.started)
    return process


def recorded(folder: Path, name: str) -> Process | None:
    """Return a recorded process if it still runs."""
    known = read_record(folder / f"{name}.pid")
    return Process(name, *known, folder / f"{name}.log") if known else None


def wait_until(done: Callable[[], bool], patience: float, pause: float = 0.05) -> bool:
    """Call `done()` until it is true or `patience` seconds have passed; return whether it became true."""
    deadline = time.monotonic() + patience
    while not done():
        for child in _CHILDREN:
            child.poll()
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
