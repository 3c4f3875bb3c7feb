"""Terraform's state, version 4: which resources it lists.

A state holds passwords in clear. Of each resource only the attributes of `_KEPT` are read, none of which is secret; the
rest is dropped while the text is parsed, and no error quotes it. Format: hashicorp/terraform,
internal/states/statefile/version4.go.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missyou_operator.cli.exits import Exit, Failure

_VERSION = 4
#: Attributes that name a resource or the one that it is part of.
_KEPT = (
    *("id", "arn", "name", "identifier", "vpc_id", "route_table_id", "security_group_id", "repository", "secret_id"),
    *("role", "resource_id", "load_balancer_arn", "listener_arn", "cluster", "cluster_name", "internet_gateway_id"),
    *("certificate_arn", "zone_id", "bucket"),
)
_AWS = "hashicorp/aws"
#: Reads an object of S3, by bucket and key.
ReadObject = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class StateResource:
    """One resource in a state: its address as Terraform spells it, and its attributes that are no secrets."""

    address: str
    block: str
    type: str
    attributes: Mapping[str, str]

    @property
    def ids(self) -> frozenset[str]:
        """The values by which AWS may know it."""
        return frozenset(self.attributes[key] for key in ("id", "arn", "name", "identifier") if key in self.attributes)


@dataclass(frozen=True, slots=True)
class State:
    """The resources of the AWS provider that a state manages."""

    resources: tuple[StateResource, ...]

    def ids(self, type_: str) -> list[str]:
        """Return the IDs of the resources of a type, such as aws_vpc."""
        return [each.attributes["id"] for each in self.resources if each.type == type_ and "id" in each.attributes]

    def places(self) -> set[tuple[str, str]]:
        """Return the regions and accounts that its ARNs name."""
        parts = (each.attributes.get("arn", "").split(":") for each in self.resources)
        return {(part[3], part[4]) for part in parts if len(part) > 5 and part[3] and part[4].isdecimal()}


def read(source: str, read_object: ReadObject) -> State:
    """Read a state from a file, from standard input (`-`), or from `s3://bucket/key`. Raises Failure."""
    try:
        if source == "-":
            text = sys.stdin.read()
        elif source.startswith("s3://"):
            bucket, _, key = source.removeprefix("s3://").partition("/")
            if not key:
                raise Failure(Exit.USAGE, f"--tfstate {source}: write s3://BUCKET/KEY, as in the backend's block")
            text = read_object(bucket, key)
        else:
            text = Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text: a plan file, perhaps"
        raise Failure(Exit.USAGE, f"--tfstate {source}: {reason}. {_HOW}") from None
    return parse(text, source)


_HOW = "Write the state to a file with: terraform state pull > terraform.tfstate"


def parse(text: str, source: str) -> State:
    """Parse the text of a state. Raises Failure, which quotes nothing of it."""
    try:
        document = json.loads(text)
    except ValueError:
        raise Failure(Exit.USAGE, f"--tfstate {source}: it is no JSON. {_HOW}") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        if isinstance(document, dict) and "encrypted_data" in document:
            raise Failure(Exit.USAGE, f"--tfstate {source}: it is encrypted. Decrypt it: tofu state pull > FILE")
        raise Failure(
            Exit.USAGE,
            f"--tfstate {source}: it is no state of version {_VERSION}, which Terraform writes since 0.12. {_HOW}",
        )
    found = tuple(_resources(document.get("resources")))
    if not found:
        raise Failure(
            Exit.USAGE,
            f"--tfstate {source}: it lists no resource of the AWS provider. Is it the state of the right workspace? "
            "terraform workspace list; terraform state pull > terraform.tfstate",
        )
    return State(found)


def _resources(blocks: Any) -> Iterator[StateResource]:
    for block in blocks if isinstance(blocks, list) else ():
        if block.get("mode") != "managed" or _AWS not in str(block.get("provider", "")):
            continue
        module = f"{block['module']}." if block.get("module") else ""
        name = f"{module}{block['type']}.{block['name']}"
        for instance in block.get("instances") or ():
            # An object that was to be replaced, and could not be deleted: Terraform still deletes it.
            if "deposed" in instance:
                continue
            attributes = instance.get("attributes") or {}
            kept = {key: value for key in _KEPT if isinstance(value := attributes.get(key), str) and value}
            yield StateResource(f"{name}{_index(instance.get('index_key'))}", _unindexed(name), block["type"], kept)


def _index(key: Any) -> str:
    return "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"


def _unindexed(address: str) -> str:
    """Return an address without the keys of its modules, as a `removed` block spells it."""
    parts, depth, quoted = [], 0, False
    for char in address:
        quoted ^= char == '"'
        depth += (char == "[" and not quoted) - (char == "]" and not quoted)
        if depth == 0 and char != "]":
            parts.append(char)
    return "".join(parts)
