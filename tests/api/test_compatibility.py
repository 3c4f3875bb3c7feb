"""What v1alpha1 once accepted it accepts for ever: today's CRD against those of each release (docs/upgrades.md)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASED = sorted((Path(__file__).parent / "released").glob("*.yaml"))
Schema = dict[str, Any]


def schema_of(path: Path) -> Schema:
    [version] = [v for v in yaml.safe_load(path.read_text())["spec"]["versions"] if v["name"] == "v1alpha1"]
    assert version["served"]
    return dict(version["schema"]["openAPIV3Schema"]["properties"]["spec"])


def breaks(old: Schema, new: Schema, at: str = "spec") -> Iterator[str]:
    """Give what an object that was valid may stumble over."""
    if old.get("type") != new.get("type"):
        yield f"{at}: type {old.get('type')} became {new.get('type')}"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{at}.{name}: is required now"
    for value in set(old.get("enum", ())) - set(new.get("enum", old.get("enum", ()))):
        yield f"{at}: {value!r} is refused now"
    if old.get("default", new.get("default")) != new.get("default"):
        yield f"{at}: the default {old['default']!r} became {new.get('default')!r}"
    yield from _tightened(old, new, at)
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{at}.{name}: is gone"
        else:
            yield from breaks(part, new["properties"][name], f"{at}.{name}")
    for nested in ("items", "additionalProperties"):
        if isinstance(old.get(nested), dict) and isinstance(new.get(nested), dict):
            yield from breaks(old[nested], new[nested], f"{at}[]")


def _tightened(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for bound, worse in (("minimum", max), ("maximum", min), ("maxLength", min), ("minLength", max), ("maxItems", min)):
        if bound in new and (bound not in old or worse(old[bound], new[bound]) != old[bound]):
            yield f"{at}: {bound} is {new[bound]}, was {old.get(bound)}"


@pytest.mark.parametrize("release", RELEASED, ids=lambda path: path.stem)
def test_no_release_s_objects_are_refused(release: Path) -> None:
    assert list(breaks(schema_of(release), schema_of(ROOT / "crds/missyouapps.missyou.app.yaml"))) == []


def _remove(spec: Schema) -> None:
    spec["properties"]["service"]["properties"].pop("port")


def _require(spec: Schema) -> None:
    spec["required"] = ["environment"]


def _narrow(spec: Schema) -> None:
    spec["properties"]["service"]["properties"]["port"]["minimum"] = 1024


def _retype(spec: Schema) -> None:
    spec["properties"]["environment"]["type"] = "integer"


def _refuse(spec: Schema) -> None:
    spec["properties"]["environment"]["enum"].pop()


@pytest.mark.parametrize("change", [_remove, _require, _narrow, _retype, _refuse])
def test_a_breaking_change_is_noticed(change: Callable[[Schema], None]) -> None:
    new = copy.deepcopy(schema_of(RELEASED[0]))
    change(new)
    assert len(list(breaks(schema_of(RELEASED[0]), new))) == 1
