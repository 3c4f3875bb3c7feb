"""A fleet in the test AWS: copies of a stack are as good as stacks, and looking at many takes few calls for each."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore import xform_name

from benchmarks.fleet import rows
from benchmarks.fleet.looks import RESYNC, Watcher
from benchmarks.fleet.world import Fleet
from tests.sim.app import changes

#: What AWS chooses or clocks tell: IDs, hashes, public addresses, times, and what is written in the row of an event.
_CHOSEN = re.compile(
    r"\b[a-z]+-[0-9a-f]{17}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[A-Za-z]*\d)[0-9A-Za-z]{10,64}\b"
    r"|\bAROA\w{17}\b|\b(10|52|127)\.\d+\.\d+\.\d+\b(?!/)|\d{4}-\d\d-\d\dT?[0-9:.Z+ ]*"
    r"|(?<=_credentials-)\w{6}|(?<=password-of-secret\", \"Value\": \")\w{6}"
)


def _answers(aws: Any, bodies: list[dict[str, Any]]) -> Mapping[str, collections.Counter[str]]:
    """Return the answers to all that a full look at a fleet asks, by operation: rows without what AWS chooses."""
    watcher, asked = Watcher(aws, bodies), {}

    def ask(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        key = model.service_model.service_name, xform_name(model.name)
        asked[*key, json.dumps(params, sort_keys=True)] = dict(params)

    watcher.listen("before-parameter-build", ask)
    assert changes(watcher.first().calls) == {}
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for (service, operation, _), params in asked.items():
        answer = getattr(aws.client(service), operation)(**params)
        for key, value in answer.items():
            if key in {"ResponseMetadata", "NextToken", "nextToken", "Marker", "NextMarker"}:
                continue
            for row in value if isinstance(value, list) else [value]:
                found[f"{service}.{operation}"][_CHOSEN.sub("#", json.dumps(row, default=str))] += 1
    return found


def test_ten_stacks_of_which_eight_are_copies_answer_as_ten_that_were_created(aws):
    created = Fleet(aws)
    for _ in range(10):
        created.create()
    expected = _answers(aws, created.bodies)
    aws.reset()
    stamped = Fleet(aws)
    stamped.grow(10)
    before = [body["status"] for body in stamped.bodies]
    found = _answers(aws, stamped.bodies)
    assert found.keys() == expected.keys()
    for operation, answers in expected.items():
        assert found[operation] == answers, operation
    for body, status in zip(stamped.bodies, before, strict=True):
        assert body["status"] == {**status, "lastSyncTime": body["status"]["lastSyncTime"]}


@pytest.mark.parametrize(("stacks", "most"), [(1, 40.0), (30, 4.5), (100, 3.0)])
def test_a_look_takes_few_calls_a_stack(aws, stacks, most):
    """Over four looks, in two of which what must be fresh is read. Pages count, and reads of one stack alone too."""
    found = rows.watching(aws, stacks).look(4 * RESYNC)
    assert changes(found.calls) == {}
    assert found.calls_each <= most, found.calls
