"""Where a secret value comes from, as the stack sees it: exactly one of the two."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretKeyRef:
    """One key of a Kubernetes Secret in the namespace of the MissYouApp."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class SecretARN:
    """A secret that somebody else keeps in Secrets Manager; the tasks read it, nothing writes it."""

    arn: str
