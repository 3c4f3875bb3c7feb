"""A container as a process of this machine: started, its output read, stopped, and found again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from missyou_local.processes import read_record, start_time, write_record

#: Gets lines of output, each with the seconds since the epoch at which it was read.
OnLines = Callable[[Sequence[tuple[float, str]]], None]

#: The awslogs driver splits longer lines (CloudWatch Logs, PutLogEvents: 256 KiB an event, 26 bytes of it overhead).
_LONGEST = 256 * 1024 - 26
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """A command with its whole environment, to be started in `folder`."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    folder: Path


class Running:
    """A process that was started here, with the group of processes that it may have started itself."""

    def __init__(self, process: subprocess.Popen[bytes], on_lines: OnLines, record: Path | None) -> None:
        self.pid = process.pid
        self._process = process
        self._record = record
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, args=(on_lines,), name=f"output-{self.pid}", daemon=True).start()

    def exit_code(self) -> int | None:
        """Return the exit code, 128 + n after signal n, None while the process runs."""
        with self._lock:
            before, code = self._process.returncode, self._process.poll()
            if code is None:
                return None
            if before is None:
                # It has just ended. What it leaves behind would hold its ports, as in no container.
                _signal_group(self.pid, signal.SIGKILL)
                if self._record is not None:
                    self._record.unlink(missing_ok=True)
        return code if code >= 0 else 128 - code

    def stop(self, grace: float) -> None:
        """Terminate the process, and kill it after `grace` seconds; return at once."""
        self._signal(signal.SIGTERM)
        timer = threading.Timer(grace, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Kill the process and its group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        # Not once it has ended: its pid may be another's by then.
        if self.exit_code() is None:
            _signal_group(self.pid, number)

    def _listen(self, on_lines: OnLines) -> None:
        out = self._process.stdout
        if out is None:
            return
        rest = b""
        with out:
            while chunk := os.read(out.fileno(), _CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LONGEST:
                    whole, rest = [*whole, rest], b""
                self._tell(whole, on_lines)
        self._tell([rest] if rest else [], on_lines)

    def _tell(self, raw: Sequence[bytes], on_lines: OnLines) -> None:
        now = time.time()
        texts = [part.decode(errors="replace").rstrip("\r") for line in raw for part in _pieces(line)]
        if texts:
            on_lines([(now, text) for text in texts])


def _pieces(line: bytes) -> list[bytes]:
    return [line[at : at + _LONGEST] for at in range(0, len(line), _LONGEST)] or [b""]


def start(program: Program, on_lines: OnLines, record: Path | None = None) -> Running:
    """Start a program in a session of its own. `record`: file that tells it to `sweep` while it runs.

    Raises OSError if it cannot be executed.
    """
    process = subprocess.Popen(
        program.command,
        env=dict(program.environ),
        cwd=program.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if record is not None:
        write_record(record, process.pid, start_time(process.pid))
    return Running(process, on_lines, record)


def sweep(folder: Path) -> list[int]:
    """Kill the recorded process groups that a killed predecessor left in a folder; return their pids."""
    ended = []
    for record in sorted(folder.glob("*.json")):
        if known := read_record(record):
            _signal_group(known[0], signal.SIGKILL)
            ended.append(known[0])
        record.unlink(missing_ok=True)
    return ended


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
