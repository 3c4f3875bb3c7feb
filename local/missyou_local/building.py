"""Builds kube-apiserver and etcd with Go from the module in `gomodule/`, and shows progress: it takes minutes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from missyou_local.progress import Progress

_MODULE = Path(__file__).parent / "gomodule"
_VERSION = "k8s.io/component-base/version.git"
_PACKAGES = {"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver", "etcd": "go.etcd.io/etcd/server/v3"}


class BuildError(Exception):
    """Go has failed; the message has the end of what it said."""


def build(go: str, made: Path, kubernetes: str, cache: Path, say: Callable[[str], None]) -> None:
    """Build both programs into a folder. Error: BuildError."""
    major, minor, _ = kubernetes.split(".")
    version = {"Version": f"v{kubernetes}", "Major": major, "Minor": minor}
    flags = {"kube-apiserver": "".join(f" -X {_VERSION}{name}={value}" for name, value in version.items())}
    environ = _environ(cache)
    step, steps = 1, len(_PACKAGES) + 1
    with Progress(f"step {step} of {steps}, Go modules", say) as progress:
        # The build itself fetches what is left out here.
        listed = _go([go, "list", "-deps", *_PACKAGES.values()], environ, progress, "{count} fetched")
    for name, package in _PACKAGES.items():
        step += 1
        command = [go, "build", "-v", "-trimpath", "-mod=readonly", "-ldflags", f"-s -w{flags.get(name, '')}"]
        with Progress(f"step {step} of {steps}, {name}", say) as progress:
            of = f" of at most {listed:,}" if listed else ""
            _go([*command, "-o", str(made / name), package], environ, progress, f"{{count:,}}{of} packages compiled")


def _environ(cache: Path) -> Mapping[str, str]:
    """Return Go's environment. Where it cannot write below the home, its modules and objects go into our cache."""
    home = Path.home()
    if os.access(home, os.W_OK):
        return os.environ
    return {"GOPATH": str(cache / "go"), "GOCACHE": str(cache / "go-build"), **os.environ}


def _go(command: Sequence[str], environ: Mapping[str, str], progress: Progress, detail: str) -> int:
    """Run Go and return how many lines it prints. It writes a line to stderr for each thing that it has done."""
    last: list[str] = []
    with tempfile.TemporaryFile("w+") as out:
        running = subprocess.Popen(
            command,
            cwd=_MODULE,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
        for count, line in enumerate(running.stderr or (), 1):
            last = [*last[-20:], line]
            progress.detail = detail.format(count=count)
        if running.wait():
            raise BuildError(f"{' '.join(command[:2])} {command[-1]} failed:\n{''.join(last)[-2000:]}")
        out.seek(0)
        return sum(1 for _ in out)
