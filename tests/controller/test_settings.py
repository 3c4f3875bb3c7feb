"""Settings of the operator."""

from __future__ import annotations

import pytest

from missyou_operator.controller.listening import Source
from missyou_operator.controller.settings import parse_settings
from missyou_operator.cost import bundled


def test_environment_and_flags():
    environ = {"AWS_REGION": "eu-central-1", "MISSYOU_NAMESPACES": "a,b", "MISSYOU_RESYNC_SECONDS": "30"}
    settings = parse_settings([], environ)
    assert (settings.region, settings.namespaces, settings.resync) == ("eu-central-1", ("a", "b"), 30.0)
    assert parse_settings(["--region", "us-east-1"], environ).region == "us-east-1"


def test_events_are_off_unless_regions_or_queues_are_named():
    environ = {"AWS_REGION": "eu-central-1"}
    assert parse_settings([], environ).events == ()
    url = "https://sqs.eu-west-1.amazonaws.com/210987654321/missyou-events-1c9a5b0e"
    named = parse_settings(["--events", url, "--events", "us-gov-west-1"], environ).events
    assert named == (url, "us-gov-west-1")
    sources = [Source.of(each, "eu-central-1", "1c9a5b0e-7f0a") for each in named]
    assert sources == [
        Source("eu-west-1", url=url),
        Source("us-gov-west-1", name="missyou-events-1c9a5b0e"),
    ]


def test_shards_need_leases(capsys):
    environ = {"AWS_REGION": "x"}
    assert parse_settings([], environ).shards == 1
    assert parse_settings(["--leader-elect"], {**environ, "MISSYOU_SHARDS": "6"}).shards == 6
    for arguments, said in ((["--shards=6"], "--leader-elect"), (["--leader-elect", "--shards=17"], "1 to 16")):
        with pytest.raises(SystemExit):
            parse_settings(arguments, environ)
        assert said in capsys.readouterr().err


def test_the_permissions_boundary_is_an_arn():
    arn = "arn:aws:iam::123456789012:policy/team/missyou-boundary"
    environ = {"AWS_REGION": "x", "MISSYOU_PERMISSIONS_BOUNDARY": arn}
    assert parse_settings([], environ).permissions_boundary == arn
    assert parse_settings(["--permissions-boundary", arn], {"AWS_REGION": "x"}).permissions_boundary == arn
    assert parse_settings([], {"AWS_REGION": "x"}).permissions_boundary == ""


def test_prices_are_those_of_the_version_or_of_a_file(tmp_path):
    environ = {"AWS_REGION": "x"}
    assert parse_settings([], environ).prices is bundled()
    file = tmp_path / "prices.json"
    file.write_text(bundled().to_json().replace('"0.045"', '"0.046"'))
    for settings in (
        parse_settings(["--prices", str(file)], environ),
        parse_settings([], {**environ, "MISSYOU_PRICES": str(file)}),
    ):
        found = settings.prices.price("us-east-1", "nat.hour")
        assert found is not None
        assert str(found.usd) == "0.046"


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        ([], {}, "no AWS region: set AWS_REGION"),
        (["--resync-seconds", "1"], {"AWS_REGION": "x"}, "must be 5 or more"),
        ([], {"AWS_REGION": "x", "MISSYOU_LOG_FORMAT": "xml"}, "must be text or json, not 'xml'"),
        (["--permissions-boundary", "mine"], {"AWS_REGION": "x"}, "must be the ARN of a policy"),
        (["--events", "everywhere"], {"AWS_REGION": "x"}, "--events must be a region or the URL of a queue"),
        ([], {"AWS_REGION": "x", "MISSYOU_EVENTS": "us-east-1,x y"}, "--events must be a region or the URL of a queue"),
        (["--workers", "0"], {"AWS_REGION": "x"}, "must be 1 to 256"),
        (["--prices", "/nowhere.json"], {"AWS_REGION": "x"}, "--prices: /nowhere.json: "),
        ([], {"AWS_REGION": "x", "MISSYOU_PRICES": "/nowhere.json"}, "--prices: /nowhere.json: "),
        ([], {"AWS_REGION": "x", "MISSYOU_RESYNC_SECONDS": "soon"}, "--resync-seconds: invalid float value: 'soon'"),
    ],
)
def test_mistakes_are_named(arguments, environ, message, capsys):
    with pytest.raises(SystemExit):
        parse_settings(arguments, environ)
    assert message in capsys.readouterr().err
