"""The simulator, run once for all questions in one process of Node."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .authorization import Check
from .npm import HERE, installed, run
from .places import ACCOUNT

#: The documents that make up a policy, by its name.
Policies = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may somebody do this, under a policy? `context` is JSON.

    `boundary` names the permissions boundary of who asks; `resource_policy` is the resource's own policy, as JSON.
    """

    policy: str
    action: str
    resource: str
    account: str
    context: str
    boundary: str = ""
    principal: str = f"arn:aws:iam::{ACCOUNT}:role/missyou-operator"
    resource_policy: str = ""

    @classmethod
    def about(cls, policy: str, check: Check) -> Asked:
        # S3's ARNs have none; the names of our buckets do.
        account = next(iter(re.findall(r"\d{12}", check.resource)), ACCOUNT)
        return cls(policy, check.action, check.resource, account, json.dumps(check.context, sort_keys=True))


@dataclass(frozen=True, slots=True)
class Answers:
    """What the simulator says, and which resources AWS's reference wants for an action: patterns of ARNs by type."""

    results: Mapping[Asked, str]
    required: Mapping[str, Mapping[str, str]]

    def allowed(self, asked: Asked) -> bool:
        """Errors: AssertionError where the question itself is wrong: no such action, no such resource of it."""
        result = self.results[asked]
        assert not result.startswith("error"), f"{asked}: {result}"
        return result == "Allowed"


def ask(policies: Policies, questions: Iterable[Asked], boundaries: Policies | None = None) -> Answers:
    """Ask all questions at once."""
    asked = list(dict.fromkeys(questions))
    rows = [
        {
            "policy": one.policy,
            "action": one.action,
            "resource": one.resource,
            "account": one.account,
            "context": json.loads(one.context),
            "boundary": one.boundary,
            "principal": one.principal,
            "resourcePolicy": json.loads(one.resource_policy) if one.resource_policy else None,
        }
        for one in asked
    ]
    # As an argument: Node looks for packages from the folder it runs in, and for a file's from where the file is.
    command = ["node", "--input-type=module", "--eval", (HERE / "simulate.mjs").read_text()]
    done = run(
        command, installed(), json.dumps({"policies": policies, "boundaries": boundaries or {}, "requests": rows})
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Answers(dict(zip(asked, found["results"], strict=True)), found["required"])
