"""Settings of the operator."""

from __future__ import annotations

import pytest

from missyou_operator.controller.settings import parse_settings


def test_environment_and_flags():
    environ = {"AWS_REGION": "eu-central-1", "MISSYOU_NAMESPACES": "a,b", "MISSYOU_RESYNC_SECONDS": "30"}
    settings = parse_settings([], environ)
    assert (settings.region, settings.namespaces, settings.resync) == ("eu-central-1", ("a", "b"), 30.0)
    assert parse_settings(["--region", "us-east-1"], environ).region == "us-east-1"


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        ([], {}, "no AWS region: set AWS_REGION"),
        (["--resync-seconds", "1"], {"AWS_REGION": "x"}, "must be 5 or more"),
        ([], {"AWS_REGION": "x", "MISSYOU_LOG_FORMAT": "xml"}, "must be text or json, not 'xml'"),
        (["--workers", "0"], {"AWS_REGION": "x"}, "must be 1 to 256"),
        ([], {"AWS_REGION": "x", "MISSYOU_RESYNC_SECONDS": "soon"}, "--resync-seconds: invalid float value: 'soon'"),
    ],
)
def test_mistakes_are_named(arguments, environ, message, capsys):
    with pytest.raises(SystemExit):
        parse_settings(arguments, environ)
    assert message in capsys.readouterr().err
