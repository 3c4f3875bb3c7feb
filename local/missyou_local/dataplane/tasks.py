"""The processes that run behind ECS tasks, and the local ports that stand for the ports of their containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from missyou_local.dataplane.postgres import free_port
from missyou_local.dataplane.programs import OnLines, Program, Running, start, sweep


@dataclass(slots=True)
class _Task:
    """One task. `ports`: port of the container -> port on 127.0.0.1."""

    ports: Mapping[int, int]
    running: Running | None = None


@dataclass(slots=True)
class Tasks:
    """Processes by the id of their task. `folder` gets a record of each, by which a later start finds leftovers."""

    folder: Path
    _tasks: dict[str, _Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the folder, and kill what a killed predecessor left running."""
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep(self.folder)

    def reserve(self, task: str, ports: Iterable[int]) -> Mapping[int, int]:
        """Reserve a local port for each port of a task's containers."""
        taken = {local for other in self._tasks.values() for local in other.ports.values()}
        reserved: dict[int, int] = {}
        for port in ports:
            while (local := free_port()) in taken:
                pass
            taken.add(local)
            reserved[port] = local
        self._tasks[task] = _Task(reserved)
        return reserved

    def start(self, task: str, program: Program, on_lines: OnLines) -> None:
        """Start a task's process, after `reserve`. Raises OSError if it cannot be executed."""
        self._tasks[task].running = start(program, on_lines, self.folder / f"{task}.json")

    def local_port(self, task: str, port: int) -> int | None:
        """Return the local port that stands for a port of a task."""
        known = self._tasks.get(task)
        return known.ports.get(port) if known else None

    def exit_code(self, task: str) -> int | None:
        """Return the exit code of a task's process (128 + n for signal n), None while it runs."""
        known = self._tasks.get(task)
        return known.running.exit_code() if known and known.running else None

    def stop(self, task: str, grace: float) -> None:
        """Terminate a task's process, and kill it after `grace` seconds; return at once."""
        known = self._tasks.get(task)
        if known and known.running:
            known.running.stop(grace)

    def forget(self, task: str) -> None:
        """Free the ports of a task that has ended."""
        self._tasks.pop(task, None)

    def close(self) -> None:
        """End all processes."""
        for task in self._tasks.values():
            if task.running:
                task.running.kill()
        self._tasks.clear()
