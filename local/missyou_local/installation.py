"""Installs CRD, RBAC, admission policies and operator for the demo, and removes them again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_local import cluster, controlplane, processes
from missyou_local.controlplane import api_client
from missyou_local.dataplane import DATABASES, TASKS
from missyou_local.dataplane.programs import sweep
from missyou_local.environment import AWS, DATA_PLANE, ROOT, DemoError, Surroundings, answers, claim, is_ours
from missyou_local.processes import Process, wait_until
from missyou_local.say import Voice

_OPERATOR = "operator"
_NAMESPACE, _ACCOUNT = "missyou-system", "missyou-operator"
#: In the state folder: what was added to a cluster of the user's, and the surroundings that the operator works in.
_RECORD, _WORKS_IN = "installed.json", "operator.env"


def install(state: Path, place: Surroundings, voice: Voice) -> Process:
    """Install CRD, RBAC and policies, and start the operator as the manifests' ServiceAccount. Error: DemoError."""
    api = api_client(place.kubeconfig)
    crd = cluster.documents(sorted((ROOT / "crds").glob("missyou*.yaml")))
    rules = cluster.documents([*cluster.RIGHTS, *cluster.ADMISSION])
    try:
        if not place.own_cluster:
            _record(state, place.kubeconfig, cluster.missing(api, crd + rules))
        cluster.apply(api, crd)
        cluster.wait_for_crd(api)
        cluster.apply(api, rules)
    except (ApiException, TimeoutError) as error:
        raise DemoError(f"crds/ and manifests/ cannot be installed: {cluster.reason(error)}") from None
    voice.step("crds/ and manifests/", "CustomResourceDefinition, ServiceAccount, RBAC, admission policies")
    return _running(state, place, voice) or _start(state, place, voice)


def _running(state: Path, place: Surroundings, voice: Voice) -> Process | None:
    """Return the operator of an earlier run. Stop it first if it works elsewhere: only one may run at a time."""
    running, works_in = processes.recorded(state, _OPERATOR), state / _WORKS_IN
    if running is None:
        return None
    if works_in.exists() and works_in.read_text() == place.exports():
        voice.step("operator", "still running")
        return running
    running.stop()
    return None


def _start(state: Path, place: Surroundings, voice: Voice) -> Process:
    identity = state / "operator.kubeconfig"
    controlplane.service_account_kubeconfig(place.kubeconfig, identity, _NAMESPACE, _ACCOUNT)
    (port,) = controlplane.free_ports(1)
    probe = f"http://127.0.0.1:{port}/readyz"
    command = [str(Path(sys.executable).with_name("missyou-operator")), f"--probes=127.0.0.1:{port}"]
    operator = processes.start(state, _OPERATOR, command, place.environ() | {"KUBECONFIG": str(identity)})
    if not wait_until(lambda: not operator.alive() or answers(probe), 30.0) or not operator.alive():
        tail = operator.log_tail()
        operator.stop()
        raise DemoError(f"the operator does not start; the end of {operator.log}:\n{tail}")
    (state / _WORKS_IN).write_text(place.exports())
    voice.step("operator", f"runs as system:serviceaccount:{_NAMESPACE}:{_ACCOUNT}")
    return operator


def tear_down(state: Path) -> list[str]:
    """Stop everything that was recorded and remove the state; return lines for a person that say what was done.

    From a cluster of the user's, only what the demo added is removed, and nothing while MissYouApps are there: they
    would hang, and their stacks stay, without anyone to take them down.
    """
    lines, stopped = [], []
    for name, title in ((_OPERATOR, "operator"), (AWS, "test AWS")):
        if process := processes.recorded(state, name):
            process.stop()
            stopped.append(title)
    if controlplane.running(state / "cluster"):
        stopped.append("control plane")
    # The test AWS ends what it ran, unless it was killed.
    for folder in (TASKS, DATABASES):
        sweep(state / DATA_PLANE / folder)
    controlplane.ControlPlane(state / "cluster", state / "cluster" / "admin.kubeconfig").stop()
    if stopped:
        lines.append(f"stopped: {', '.join(stopped)}")
    record = (state / _RECORD).read_text() if (state / _RECORD).exists() else None
    if is_ours(state):
        shutil.rmtree(state)
    if record:
        removed, message = _uninstall(json.loads(record))
        lines.append(message)
        if not removed:
            claim(state)
            (state / _RECORD).write_text(record)
    return lines


def _record(state: Path, kubeconfig: Path, added: list[dict[str, Any]]) -> None:
    """Record what is about to be added, in addition to what earlier runs added."""
    path = state / _RECORD
    before = json.loads(path.read_text())["objects"] if path.exists() else []
    content = {"kubeconfig": str(kubeconfig), "context": controlplane.current_context(kubeconfig)}
    path.write_text(json.dumps(content | {"objects": before + [item for item in added if item not in before]}))


def _uninstall(record: Mapping[str, Any]) -> tuple[bool, str]:
    """Remove what was added; return whether that worked, and a line for a person."""
    where = f"context {record['context']} of {record['kubeconfig']}"
    try:
        api = api_client(Path(record["kubeconfig"]), record["context"])
        left = len(cluster.apps(api))
        if not left:
            cluster.delete(api, reversed(record["objects"]))
    except (ApiException, HTTPError, OSError, client.OpenApiException) as error:
        return False, f"what the demo added to {where} is still there: {cluster.reason(error)}"
    if left:
        return False, (
            f"left as they are: {left} MissYouApp(s), their stacks in AWS, and what the demo added to {where}.\n"
            "To remove all of it: make demo; for each app, kubectl annotate missyouapp NAME "
            "missyou.app/confirm-deletion=NAME and kubectl delete missyouapp NAME; then make demo-down"
        )
    return True, f"removed from {where}: {len(record['objects'])} objects that the demo had added"
