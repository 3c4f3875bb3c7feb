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


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may the operator do this, under a policy? `context` is JSON."""

    policy: str
    action: str
    resource: str
    account: str
    context: str

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


def ask(policies: Mapping[str, Sequence[Mapping[str, Any]]], questions: Iterable[Asked]) -> Answers:
    """Ask all questions at once."""
    asked = list(dict.fromkeys(questions))
    rows = [
        {
            "policy": one.policy,
            "action": one.action,
            "resource": one.resource,
            "account": one.account,
            "context": json.loads(one.context),
        }
        for one in asked
    ]
    # As an argument: Node looks for packages from the folder it runs in, and for a file's from where the file is.
    command = ["node", "--input-type=module", "--eval", (HERE / "simulate.mjs").read_text()]
    done = run(command, installed(), json.dumps({"policies": policies, "requests": rows}))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Answers(dict(zip(asked, found["results"], strict=True)), found["required"])
