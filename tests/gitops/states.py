"""What each tool is to say of each recorded state: by hand, from what the state means. The table of docs/gitops.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CUSTOMIZATION = ROOT / "gitops/argocd/resource_customizations/missyou.app/MissYouApp"
#: What can be done about an app that runs or grows.
_USUAL = frozenset({"reconcile", "suspend"})


@dataclass(frozen=True, slots=True)
class State:
    """One state. `flux` is the verdict with our healthCheckExprs; `actions` are those that are enabled."""

    name: str
    means: str
    argo: str
    kstatus: str
    flux: str
    actions: frozenset[str] = _USUAL


def _busy(name: str, means: str) -> State:
    return State(name, means, "Progressing", "InProgress", "InProgress")


def _well(name: str, means: str) -> State:
    return State(name, means, "Healthy", "Current", "Current")


def _stuck(name: str, means: str, *more: str) -> State:
    return State(name, means, "Degraded", "Failed", "Failed", _USUAL | set(more))


def _suspended(name: str, means: str, kstatus: str, flux: str) -> State:
    return State(name, means, "Suspended", kstatus, flux, frozenset({"resume"}))


def _going(name: str, means: str) -> State:
    return State(name, means, "Progressing", "Terminating", "InProgress", frozenset({"suspend"}))


STATES = (
    _busy("new", "just applied; the operator has not observed anything yet"),
    _busy("waiting-for-image", "being created; the repository is empty"),
    _busy("creating-network", "being created: NAT gateways"),
    _busy("creating-database", "being created: the database"),
    _busy("starting-tasks", "being created: the first tasks start"),
    _well("ready", "everything exists and the app is served"),
    _busy("stale-generation", "a new spec; the status is still about the previous one"),
    _busy("rolling-out", "a new version is being rolled out"),
    _busy("image-missing", "the spec names a tag that is not in the repository; the previous version serves"),
    _busy("aws-unreachable", "AWS answers with errors"),
    _busy("tasks-failing", "tasks exit or do not start, and ECS keeps trying"),
    _stuck("rollout-failed", "ECS gave up on the new version and rolled back"),
    _stuck("waiting-for-approval", "the plan would destroy data", "approve"),
    _stuck("invalid-spec", "the spec contradicts itself"),
    _stuck("access-denied", "AWS denies the operator an action"),
    _well("drifted", "changed outside, and driftPolicy Report leaves it; the app is served"),
    _busy("drifted-and-broken", "something was deleted outside, and driftPolicy Report leaves it"),
    _suspended("suspended", "suspended while ready", "Current", "Current"),
    _suspended("suspended-unready", "suspended during a rollout", "InProgress", "Failed"),
    _suspended("suspended-when-new", "suspended before anything was created", "InProgress", "Failed"),
    _going("deleting", "being deleted"),
    _going("deletion-denied", "being deleted, but AWS denies it"),
)


def table() -> str:
    """Give the table of the page."""
    rows = [(f"`{state.name}`", state.means, state.argo, state.kstatus, state.flux) for state in STATES]
    head = ("state", "means", "Argo CD", "kstatus", "Flux with our expressions")
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * 5, *rows)) + "\n"
