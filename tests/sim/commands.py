"""The commands of `missyou` that read AWS, and those that messages tell a person to type, against the simulation."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from botocore import xform_name

from missyou_operator.aws.session import Accounts
from missyou_operator.cli.offline import OfflineStack, only_reads, open_stack, placed

from .app import App
from .workers import Seeded


def offline(app: App) -> OfflineStack:
    """Open an app's stack as a command does: it may only read."""

    def door(request: object, event_name: str, **event: object) -> object:
        only_reads(event_name)
        return app.door(request, event_name=event_name, **event)

    return open_stack(placed(app.body), app.region, Accounts(door), workers=Seeded(app.seed))


def typed(app: App, command: str) -> Any:
    """Do what a command of `kubectl` or `aws` does, as it stands in a message."""
    program, *words = shlex.split(command)
    if program == "kubectl":
        return _kubectl(app, words)
    assert program == "aws", command
    return _aws(app, words)


def _kubectl(app: App, words: list[str]) -> None:
    verb, kind, name, *rest = words
    assert (kind, name) == ("missyouapp", app.name), words
    if verb == "patch":
        app.edit(**json.loads(rest[rest.index("-p") + 1])["spec"])
        return
    assert verb == "annotate", words
    [pair] = [word for word in rest if word.startswith("missyou.app/")]
    key, _, value = pair.partition("=")
    app.annotate(key.removeprefix("missyou.app/"), value)


def _aws(app: App, words: list[str]) -> Any:
    """Call the operation that a command of the AWS CLI names, with its options as the CLI understands them."""
    service, operation, *rest = words
    client = app.client(service)
    model = client.meta.service_model
    [name] = [each for each in model.operation_names if xform_name(each, "-") == operation]
    members = {
        xform_name(key, "-"): (key, shape) for key, shape in model.operation_model(name).input_shape.members.items()
    }
    arguments: dict[str, Any] = {}
    while rest:
        option = rest.pop(0).removeprefix("--")
        if option == "region":
            assert rest.pop(0) == client.meta.region_name
            continue
        if option.removeprefix("no-") in members and members[option.removeprefix("no-")][1].type_name == "boolean":
            arguments[members[option.removeprefix("no-")][0]] = not option.startswith("no-")
            continue
        key, shape = members[option]
        values = []
        while rest and not rest[0].startswith("--"):
            values.append(rest.pop(0))
        arguments[key] = _value(shape, values)
    return getattr(client, xform_name(name))(**arguments)


def _value(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        return [_shorthand(each) if shape.member.type_name == "structure" else each for each in values]
    [value] = values
    return int(value) if shape.type_name in {"integer", "long"} else value


def _shorthand(text: str) -> Mapping[str, str]:
    return dict(pair.partition("=")[::2] for pair in text.split(","))
