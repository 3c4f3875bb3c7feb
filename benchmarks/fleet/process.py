"""The operator's own process over a fleet: a real API server with an object for each stack, and AWS over HTTP.

CPU and memory are what the kernel says of the operator's process alone: AWS is another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubernetes import client

from missyou_local import binaries, controlplane
from missyou_operator.api import FINALIZER, GROUP, PLURAL, VERSION
from tests.integration.bench import ROOT, Bench, install

from .looks import RESYNC
from .world import SPEC, name_of

#: What the operator logs of each pass that has left nothing to do, with the app that it was for.
_ENDED = re.compile(r"(\S+): pass ended: success")
_TICKS = os.sysconf("SC_CLK_TCK")


class RemoteAws:
    """The test AWS of another process, for `Bench`."""

    def __init__(self, folder: Path, uids: Mapping[str, Any]) -> None:
        given, bodies = folder / "uids.json", folder / "bodies.json"
        given.write_text(json.dumps(uids))
        command = [sys.executable, "-m", "benchmarks.fleet.server", str(given), str(bodies)]
        path = os.pathsep.join(str(ROOT / each) for each in ("operator", "local", "."))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the test AWS has not started: see above")
        self.bodies: list[dict[str, Any]] = json.loads(bodies.read_text())

    def control(self, **wanted: Any) -> dict[str, Any]:
        """Say something to the control endpoint, and return what it shows (docs/test-aws.md)."""
        data = json.dumps(wanted).encode() if wanted else None
        with urllib.request.urlopen(f"{self.url}/_control", data=data, timeout=60) as answer:  # noqa: S310 - ours
            return json.load(answer)  # type: ignore[no-any-return]

    def counts(self) -> dict[str, int]:
        """Return the calls so far, by operation."""
        return self.control()["counts"]  # type: ignore[no-any-return]

    def ledger(self, operation: str, caller: str) -> list[dict[str, Any]]:
        """Return the calls of an operation by a caller."""
        query = urllib.parse.urlencode({"operation": operation, "caller": caller})
        with urllib.request.urlopen(f"{self.url}/_control/ledger?{query}", timeout=60) as answer:  # noqa: S310 - ours
            return json.load(answer)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the kernel says of a process: seconds of CPU, bytes of memory, threads, and open files."""

    cpu: float
    memory: int
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Vitals:
        """Read them. `memory` is what the process has for itself: what it shares with others is not counted."""
        proc = Path("/proc") / str(pid)
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        rollup = (proc / "smaps_rollup").read_text().splitlines()[1:]
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in rollup}
        return cls(
            (int(fields[11]) + int(fields[12])) / _TICKS,
            sizes["Private_Dirty"] + sizes["Private_Clean"],
            int(fields[17]),
            len(list((proc / "fd").iterdir())),
        )


class Fleet:
    """A control plane with objects, AWS with their stacks, and an operator that `start` starts."""

    def __init__(self, stacks: int, *, resync: float = RESYNC) -> None:
        self.stacks, self._resync = stacks, resync
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="missyou-fleet-")))
            found = binaries.find(lambda line: print(line, file=sys.stderr))
            self.plane = controlplane.start(self.folder / "cluster", found)
            stack.callback(self.plane.stop)
            self.kube = stack.enter_context(controlplane.api_client(self.plane.kubeconfig))
            install(self.kube)
            self.aws = RemoteAws(self.folder, {"apps": self._create(), "cluster": self._cluster()})
            stack.callback(self.aws.close)
            self._tell()
            self.aws.control(keep=20, rates=True)
            self.bench = Bench(
                self.kube,
                self.folder,
                self.plane.kubeconfig,
                self.aws,
                resync=str(self._resync),  # type: ignore[arg-type]
            )
            self._rehearse()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        self._stack.close()

    def _end(self) -> None:
        if self.bench.operator:
            self.bench.operator.stop()

    def _rehearse(self) -> None:
        """Have an operator read every list once, so that the test AWS has its answers, and end it.

        To work them out for a thousand stacks takes half a minute of this machine, of which AWS needs none.
        """
        self.start()
        try:
            self._looked(1, 600.0)
        finally:
            self._end()
        assert self.bench.operator is not None
        self.bench.operator.log.unlink()

    @property
    def _apps(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, "default", PLURAL

    def _create(self) -> list[str]:
        """Create the objects, and return the UIDs that the API server gives them."""
        api = client.CustomObjectsApi(self.kube)
        uids = []
        for number in range(1, self.stacks + 1):
            meta = {"name": name_of(number), "finalizers": [FINALIZER]}
            body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "MissYouApp", "metadata": meta, "spec": SPEC}
            uids.append(api.create_namespaced_custom_object(*self._apps, body)["metadata"]["uid"])
        return uids

    def _tell(self) -> None:
        """Write into the objects what the operator has written into those of stacks like these."""
        api = client.CustomObjectsApi(self.kube)
        for body in self.aws.bodies:
            meta = body["metadata"]
            noted = {"metadata": {"annotations": meta["annotations"]}}
            api.patch_namespaced_custom_object(*self._apps, meta["name"], noted)
            api.patch_namespaced_custom_object_status(*self._apps, meta["name"], {"status": body["status"]})

    def _cluster(self) -> str:
        return str(client.CoreV1Api(self.kube).read_namespace("kube-system").metadata.uid)

    def start(self) -> None:
        """Start the operator."""
        self.bench.start()

    def vitals(self) -> Vitals:
        """Return what the operator's process takes."""
        assert self.bench.operator is not None
        return Vitals.of(self.bench.operator.pid)

    def calls(self) -> int:
        """Return the number of calls to AWS so far."""
        return sum(self.aws.counts().values())

    def looked(self, patience: float) -> float:
        """Wait until every stack has been looked at, and return the seconds since the start. Error: TimeoutError."""
        return self._looked(self.stacks, patience)

    def _looked(self, stacks: int, patience: float) -> float:
        began = time.monotonic()
        while time.monotonic() - began < patience:
            if len(looked_at(self.bench.log())) >= stacks:
                return time.monotonic() - began
            time.sleep(0.5)
        raise TimeoutError(f"{stacks} stacks were not looked at in {patience:.0f} s")

    def throttled(self) -> int:
        """Return how many calls AWS has throttled."""
        codes = ("Throttl", "RequestLimit", "TooManyRequests")
        errors = self.aws.control()["errors"]
        return sum(n for error, n in errors.items() if error.partition(" ")[2].startswith(codes))


def looked_at(log: str) -> set[str]:
    """Return the apps of which a log tells that a pass has ended with success."""
    return set(_ENDED.findall(log))


@contextlib.contextmanager
def running(stacks: int) -> Iterator[Fleet]:
    """Have an operator run over a fleet."""
    with Fleet(stacks) as fleet:
        fleet.start()
        yield fleet
