"""What each recorded state shall look like in each tool; docs/gitops.md has the same table."""

from __future__ import annotations

#: State -> what it is, Argo CD's health, kstatus's, Flux's with our healthCheckExprs.
VERDICTS = {
    "new": ("just applied, not seen yet", "Progressing", "InProgress", "InProgress"),
    "creating": ("the stack grows", "Progressing", "InProgress", "InProgress"),
    "image_not_found": (
        "the repository is empty: a push is waited for",
        "Progressing",
        "InProgress",
        "InProgress",
    ),
    "ready": ("everything is available", "Healthy", "Current", "Current"),
    "stale_generation": ("the spec has changed, and was not seen yet", "Progressing", "InProgress", "InProgress"),
    "image_absent": ("the spec names a tag that is not there", "Progressing", "InProgress", "InProgress"),
    "suspended": ("`spec.suspend`, in a stack that was ready", "Suspended", "Current", "Current"),
    "suspended_from_the_start": ("`spec.suspend` before anything was made", "Suspended", "InProgress", "InProgress"),
    "drifted": ("changed outside, `driftPolicy: Report`", "Healthy", "Current", "Current"),
    "waiting_for_approval": ("a change would destroy data", "Suspended", "Failed", "InProgress"),
    "invalid_spec": ("a mistake that the schema lets through", "Degraded", "Failed", "Failed"),
    "deleting": ("`kubectl delete`", "Progressing", "Terminating", "InProgress"),
}


def table() -> str:
    """Write the table of docs/gitops.md."""
    rows = [f"| {what} | {argo} | {kstatus} | {flux} |" for what, argo, kstatus, flux in VERDICTS.values()]
    return "\n".join(["| state | Argo CD | kstatus | Flux, with the expressions |", "|---|---|---|---|", *rows])
