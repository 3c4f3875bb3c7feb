"""The operator as its image runs it, without Docker: the first process of its PID namespace, on a read-only root, as a
user without a name.

The command and its environment are Dockerfile.operator's, the arguments the Deployment's; the API server and the
account are found as in a pod.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import yaml

from missyou_local import controlplane, processes
from missyou_local.aws import Server
from missyou_local.controlplane import ControlPlane

from .conftest import ROOT
from .rights import ACCOUNT, HOME

_INSIDE = """
mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
mount -o remount,bind,ro / || exit 99
user=$2 && shift 2 && exec unshare --user --map-user="${user%:*}" --map-group="${user#*:}" -- "$@"
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What Dockerfile.operator says of the last stage."""

    entrypoint: list[str]
    env: dict[str, str]
    user: str

    @classmethod
    def read(cls) -> Image:
        last = (ROOT / "Dockerfile.operator").read_text().rpartition("\nFROM ")[2]
        lines = dict(
            line.split(" ", 1) for line in last.splitlines() if line.startswith(("ENV ", "USER ", "ENTRYPOINT "))
        )
        env = dict(word.split("=", 1) for word in shlex.split(lines["ENV"]))
        return cls(json.loads(lines["ENTRYPOINT"]), env, lines["USER"])


@dataclass(frozen=True, slots=True)
class Container:
    """A started one. `base` is where its port answers."""

    outside: subprocess.Popen[bytes]
    log: Path
    base: str

    def terminate(self) -> None:
        """Send SIGTERM to the first process, as the kubelet does: from outside its namespace."""
        children = Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children")
        os.kill(int(children.read_text().split()[0]), signal.SIGTERM)

    def code(self, patience: float) -> int | None:
        """Give the exit code, None where it still runs after `patience` seconds."""
        processes.wait_until(lambda: self.outside.poll() is not None, patience)
        return self.outside.poll()

    def kill(self) -> None:
        self.outside.kill()
        self.outside.wait()


def start(plane: ControlPlane, aws: Server, folder: Path, name: str) -> Container:
    """Start one whose pod has that name; skip the test where namespaces cannot be made."""
    able = ["unshare", "--mount", "--pid", "--fork", "mount", "-o", "remount,bind,ro", "/"]
    if not shutil.which("unshare") or subprocess.run(able, capture_output=True, check=False).returncode:
        pytest.skip("mount and PID namespaces cannot be made here: that needs Linux and root")
    [container] = _pod()["containers"]
    (port,) = controlplane.free_ports(1)
    arguments = [re.sub(r"0\.0\.0\.0:\d+", f"127.0.0.1:{port}", word) for word in container["args"]]
    server = urlparse(yaml.safe_load(plane.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    image = Image.read()
    environ = image.env | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "POD_NAME": name,
        "POD_NAMESPACE": HOME,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": name,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    inside = ["sh", "-c", _INSIDE, "sh", str(_mounted(plane, folder / name)), image.user, *image.entrypoint, *arguments]
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *inside]
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        outside = subprocess.Popen(command, env=environ, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    return Container(outside, log, f"http://127.0.0.1:{port}")


def _pod() -> dict[str, Any]:
    deployment = yaml.safe_load((ROOT / "manifests/base/deployment.yaml").read_text())
    return dict(deployment["spec"]["template"]["spec"])


def _mounted(plane: ControlPlane, folder: Path) -> Path:
    """Write what Kubernetes mounts into a pod for its ServiceAccount."""
    folder.mkdir()
    identity = folder.with_suffix(".kubeconfig")
    controlplane.service_account_kubeconfig(plane.kubeconfig, identity, HOME, ACCOUNT)
    content = yaml.safe_load(identity.read_text())
    (folder / "token").write_text(Path(content["users"][0]["user"]["tokenFile"]).read_text())
    (folder / "ca.crt").write_bytes(base64.b64decode(content["clusters"][0]["cluster"]["certificate-authority-data"]))
    (folder / "namespace").write_text(HOME)
    return folder
