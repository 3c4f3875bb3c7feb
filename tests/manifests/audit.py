"""What the API server's audit log says of an operator: its requests, and which role allowed each; and of all apps."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "Metadata", "resources": [{"group": "missyou.app"}]},
        {"level": "None"},
    ],
}
_ACCOUNT = "system:serviceaccount:"
_ALLOWED = re.compile(r'^RBAC: allowed by \w+ "[^"]+" of (?P<role>\w+ "[^"]+") to')


@dataclass(frozen=True, slots=True)
class Request:
    """One request for resources. `role` is like `ClusterRole "x"`, empty where it was refused."""

    user: str
    verb: str
    resource: str
    name: str
    role: str


def flags(folder: Path) -> list[str]:
    """Write a policy; return the flags of kube-apiserver that log what ServiceAccounts ask, and requests for apps."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(yaml.safe_dump(_POLICY))
    return [f"--audit-policy-file={folder}/policy.yaml", f"--audit-log-path={folder}/audit.log"]


def requests(folder: Path) -> set[Request]:
    """Read the requests of ServiceAccounts from the log.

    A resource is written like `leases.coordination.k8s.io`, or `missyouapps.missyou.app/status`.
    """
    log = folder / "audit.log"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    entries = (json.loads(line) for line in lines if line.endswith("\n") and '"objectRef"' in line)
    return {_request(entry) for entry in entries if entry["user"]["username"].startswith(_ACCOUNT)}


def _request(entry: dict[str, Any]) -> Request:
    said, target = entry["annotations"], entry["objectRef"]
    found = _ALLOWED.match(said["authorization.k8s.io/reason"])
    assert bool(found) == (said["authorization.k8s.io/decision"] == "allow"), entry
    resource = ".".join(part for part in (target["resource"], target.get("apiGroup")) if part)
    resource += f"/{target['subresource']}" if "subresource" in target else ""
    user = entry["user"]["username"].removeprefix(_ACCOUNT)
    return Request(user, entry["verb"], resource, target.get("name", ""), found["role"] if found else "")
