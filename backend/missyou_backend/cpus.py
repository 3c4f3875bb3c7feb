"""The CPUs that this process may use."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path

_METADATA_SECONDS = 2.0


def vcpus(environ: Mapping[str, str], cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Return the number of vCPUs: the Fargate task's, else the cgroup's limit, else the machine's.

    Fargate sets no limit that a container can see. It serves the task's limit under ECS_CONTAINER_METADATA_URI_V4
    (ECS Developer Guide, "Task metadata endpoint version 4": `Limits.CPU`, in vCPU).
    """
    return _of_task(environ.get("ECS_CONTAINER_METADATA_URI_V4")) or _of_cgroup(cgroup) or float(os.cpu_count() or 1)


def worker_count(cpus: float) -> int:
    """Return the number of worker processes: one for each CPU, since a Python process runs one thread at a time."""
    return max(1, round(cpus))


def _of_task(uri: str | None) -> float | None:
    if not uri or not uri.startswith("http://"):
        return None
    try:
        with urllib.request.urlopen(f"{uri}/task", timeout=_METADATA_SECONDS) as answer:  # noqa: S310 - only http, see above
            limit = json.load(answer)["Limits"]["CPU"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return float(limit) if isinstance(limit, (int, float)) and limit > 0 else None


def _of_cgroup(folder: Path) -> float | None:
    """Read cpu.max of cgroup v2: "quota period" or "max period" (Linux, admin-guide/cgroup-v2)."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None
