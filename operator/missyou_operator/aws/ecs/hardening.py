"""What a container may do beyond running its program: as little as possible. Pure.

Sources: ECS API reference, ContainerDefinition, LinuxParameters and KernelCapabilities (Fargate adds no capability but
SYS_PTRACE, and drops any); AWS, "What's New", 6 January 2026, tmpfs mounts on Fargate. A volume mounted at /tmp would
belong to root, unless the image declares it: ECS developer guide, "Use bind mounts with Amazon ECS".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The user and group of Dockerfile.app.
USER = "65532:65532"
#: The one writable place, in the task's memory. By default, the kernel lets everybody write to it, as to any /tmp.
_TMP: Mapping[str, Any] = {"containerPath": "/tmp", "size": 64, "mountOptions": ["nosuid", "nodev"]}  # noqa: S108


def container(*, hardened: bool, read_only_root: bool) -> dict[str, Any]:
    """Return the members of a container definition.

    `hardened`: it runs as `USER`, has no capability, and an init process reaps what its program leaves behind.
    """
    linux: dict[str, Any] = {}
    if hardened:
        linux |= {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True}
    if read_only_root:
        linux |= {"tmpfs": [dict(_TMP)]}
    return {
        **({"user": USER} if hardened else {}),
        **({"readonlyRootFilesystem": True} if read_only_root else {}),
        **({"linuxParameters": linux} if linux else {}),
    }


def observed(app: Mapping[str, Any]) -> dict[str, bool | str]:
    """Return the same of a container definition as AWS describes it: both settings, "in part" for what is neither."""
    linux: Mapping[str, Any] = app.get("linuxParameters") or {}
    capabilities: Mapping[str, Any] = linux.get("capabilities") or {}
    present = (
        app.get("user"),
        tuple(capabilities.get("drop") or ()),
        tuple(capabilities.get("add") or ()),
        bool(linux.get("initProcessEnabled")),
        bool(app.get("privileged")),
    )
    root = bool(app.get("readonlyRootFilesystem"))
    tmp = any(mount.get("containerPath") == _TMP["containerPath"] for mount in linux.get("tmpfs") or ())
    return {
        "hardened": present == (USER, ("ALL",), (), True, False) or ("in part" if any(present) else False),
        "read_only_root": root if root == tmp else "in part",
    }
