"""Announces what `make demo` will do, and how long. It runs before anything is installed: standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from missyou_local import binaries

#: A build on two cores.
_CONTROL_PLANE = "a download of some 70 MB or, where there is none, five minutes with Go"


def state_folder(root: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder of a checkout's demo: pids, logs, keys and data."""
    return Path(environ.get("MISSYOU_STATE") or root / ".demo").resolve()


def starts_cluster(state: Path, environ: Mapping[str, str]) -> bool:
    """Return whether the demo starts a cluster: no other is named than the one that it starts."""
    return environ.get("KUBECONFIG", "") in ("", str(state / "cluster" / "admin.kubeconfig"))


def forecast(root: Path, environ: Mapping[str, str], *, venv: bool) -> str:
    """Return a few lines for a person. `venv`: the packages are there already."""
    steps = [] if venv else [("Python packages into .venv (once)", "ten seconds")]
    if starts_cluster(state_folder(root, environ), environ) and not binaries.available(environ):
        steps.append(("kube-apiserver and etcd into the cache (once)", _CONTROL_PLANE))
    aws = environ.get("AWS_ENDPOINT_URL", "")
    real = "amazonaws.com" in aws or "api.aws" in aws
    steps.append(("the cluster, AWS, the operator and a sample", "twenty minutes" if real else "half a minute"))
    width = max(len(what) for what, _ in steps)
    lines = [f"  {number}. {what:<{width}}   {how_long}" for number, (what, how_long) in enumerate(steps, 1)]
    return "\n".join(["make demo, about:", *lines])
