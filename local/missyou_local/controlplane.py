"""A real kube-apiserver with etcd, on loopback and free ports, with RBAC on. No other controllers run."""

from __future__ import annotations

import base64
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_local import processes
from missyou_local.binaries import Binaries, NoControlPlaneError

_ETCD, _APISERVER = "etcd", "kube-apiserver"
#: Seconds in which each program has to be ready on a busy machine, and how often a lost race for a port is tried again.
_PATIENCE, _TRIES = 60.0, 3


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane; `kubeconfig` is a file for its administrator."""

    folder: Path
    kubeconfig: Path

    def stop(self) -> None:
        """Stop both programs."""
        for name in (_APISERVER, _ETCD):
            if process := processes.recorded(self.folder, name):
                process.stop()


def running(folder: Path) -> ControlPlane | None:
    """Return the control plane that was started in a folder, if both of its programs still run."""
    both = all(processes.recorded(folder, name) for name in (_ETCD, _APISERVER))
    return ControlPlane(folder, folder / "admin.kubeconfig") if both else None


def start(
    folder: Path, binaries: Binaries, say: Callable[[str], None] = lambda _: None, flags: Sequence[str] = ()
) -> ControlPlane:
    """Start a control plane whose data and logs live in a folder (made if need be), and wait until it is ready.

    `flags` are kube-apiserver's, beside those that make it start here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Where one of the two has died, the other still holds the data.
    ControlPlane(folder, folder / "admin.kubeconfig").stop()
    for attempt in range(_TRIES):
        if attempt:
            say(f"the control plane did not come up, trying again ({attempt})")
        plane, culprit = _try(folder, binaries, flags)
        if not culprit:
            return plane
    log = (folder / f"{culprit}.log").read_text(errors="replace").splitlines()[-20:]
    raise NoControlPlaneError(f"{culprit} does not come up; the end of its log:\n" + "\n".join(log))


def _try(folder: Path, binaries: Binaries, flags: Sequence[str]) -> tuple[ControlPlane, str | None]:
    """Start both; return the control plane, and the program that did not come up, if one did not: nothing runs then."""
    etcd_port, peer_port, port = free_ports(3)
    endpoint = f"http://127.0.0.1:{etcd_port}"
    etcd = [str(binaries.etcd), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"]
    etcd += ["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--log-level", "error"]
    etcd += ["--listen-peer-urls", f"http://127.0.0.1:{peer_port}"]
    token, key = secrets.token_hex(24), folder / "service-accounts.key"
    _private(folder / "tokens.csv", f"{token},admin,admin,system:masters\n")
    if not key.exists():
        _private(key, _rsa_key())
    apiserver = [str(binaries.apiserver), "--etcd-servers", endpoint, "--cert-dir", str(folder / "certs")]
    # Without an address to advertise it looks for a default route, and does not start where there is none.
    apiserver += ["--advertise-address", "127.0.0.1"]
    apiserver += ["--bind-address", "127.0.0.1", "--secure-port", str(port), "--authorization-mode", "RBAC"]
    apiserver += ["--token-auth-file", str(folder / "tokens.csv"), "--service-cluster-ip-range", "10.0.0.0/24"]
    apiserver += ["--service-account-issuer", "https://missyou.local", "--service-account-key-file", str(key)]
    apiserver += ["--service-account-signing-key-file", str(key), "--endpoint-reconciler-type", "none"]
    apiserver += ["--disable-admission-plugins", "ServiceAccount", *flags]
    # The API server inherits only the variables that it needs to run.
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    started = [processes.start(folder, _ETCD, etcd, environ), processes.start(folder, _APISERVER, apiserver, environ)]
    plane = ControlPlane(folder, folder / "admin.kubeconfig")

    def ended() -> str | None:
        return next((process.name for process in started if not process.alive()), None)

    came_up = processes.wait_until(lambda: bool(ended()) or _ready(plane, port, token), _PATIENCE)
    # Asked before the other one is stopped: the log that says why is that of the one that ended by itself.
    culprit = ended() or (None if came_up else _APISERVER)
    if culprit:
        plane.stop()
    return plane, culprit


def _ready(plane: ControlPlane, port: int, token: str) -> bool:
    certificate = plane.folder / "certs" / "apiserver.crt"
    if not certificate.exists():
        return False
    write_kubeconfig(plane.kubeconfig, f"https://127.0.0.1:{port}", certificate.read_bytes(), {"token": token})
    try:
        api = api_client(plane.kubeconfig)
        # The two that come last: the roles that RBAC needs at the start, and the namespace that samples are put into.
        client.RbacAuthorizationV1Api(api).read_cluster_role("cluster-admin", _request_timeout=2)
        client.CoreV1Api(api).read_namespace("default", _request_timeout=2)
    except (ApiException, HTTPError, OSError):
        return False
    return True


def api_client(kubeconfig: Path, context: str | None = None) -> client.ApiClient:
    """Return a client for a context of a kubeconfig file, by default the current one."""
    made: client.ApiClient = config.new_client_from_config(str(kubeconfig), context)  # type: ignore[no-untyped-call]
    return made


def current_context(kubeconfig: Path) -> str:
    """Return the name of the current context of a kubeconfig file."""
    return str(yaml.safe_load(kubeconfig.read_text())["current-context"])


def write_kubeconfig(path: Path, server: str, authority: bytes, user: dict[str, str]) -> None:
    """Write a kubeconfig with one context. `user` is what kubeconfig takes there: `token`, or `tokenFile`."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "missyou",
        "contexts": [{"name": "missyou", "context": {"cluster": "missyou", "user": "missyou"}}],
        "clusters": [{"name": "missyou", "cluster": cluster}],
        "users": [{"name": "missyou", "user": user}],
    }
    _private(path, yaml.safe_dump(content, sort_keys=False))


def service_account_kubeconfig(admin: Path, path: Path, namespace: str, name: str) -> None:
    """Write a kubeconfig that acts as a ServiceAccount: it may do what the manifests allow, no more.

    Its token lasts for thirty days, or for as long as the cluster grants. Error: ApiException.
    """
    api = client.CoreV1Api(api_client(admin))
    request = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=30 * 86_400)
    )
    answer: Any = api.create_namespaced_service_account_token(name, namespace, request)
    token_file = path.with_suffix(".token")
    _private(token_file, answer.status.token)
    content = yaml.safe_load(admin.read_text())
    current = next(c for c in content["contexts"] if c["name"] == content["current-context"])["context"]
    cluster = next(c for c in content["clusters"] if c["name"] == current["cluster"])
    if authority := cluster["cluster"].get("certificate-authority"):
        cluster["cluster"]["certificate-authority"] = str(admin.parent.absolute() / authority)
    content["users"] = [{"name": "operator", "user": {"tokenFile": str(token_file)}}]
    content["contexts"] = [{"name": "operator", "context": {"cluster": cluster["name"], "user": "operator"}}]
    content |= {"clusters": [cluster], "current-context": "operator"}
    _private(path, yaml.safe_dump(content, sort_keys=False))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on. Another process may take one before we do, hence the retries."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _private(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content)


def _rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(*pem).decode()
