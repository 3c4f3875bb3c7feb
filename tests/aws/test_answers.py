"""A member that is missing in an answer is said, and the call is made again; it is no bug."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.parsers import JSONParser
from botocore.session import get_session

from missyou_operator.aws.answers import Parsers, joined
from missyou_operator.engine.errors import FlakyError, UnansweredError

HEADERS = {"status_code": 200, "headers": {}}


def parsed(operation: str, body: bytes) -> dict:
    shape = get_session().get_service_model("ecs").operation_model(operation).output_shape
    return Parsers().create_parser("json").parse({**HEADERS, "body": body}, shape)


def test_a_read_is_made_again():
    answer = parsed("DescribeServices", b'{"services": [{"serviceName": "a"}]}')
    [row] = answer["services"]
    assert (row["serviceName"], row.get("serviceArn")) == ("a", None)
    with pytest.raises(FlakyError, match="DescribeServicesResponse"):
        row["serviceArn"]
    with pytest.raises(FlakyError):
        joined(row, tags={})["serviceArn"]


def test_what_became_of_a_change_is_looked_for():
    with pytest.raises(UnansweredError, match="lacks service"):
        parsed("CreateService", b"{}")["service"]


def test_one_parser_serves_all_requests():
    """Each would be kept until a search for garbage: it refers to itself."""
    parsers = Parsers()
    assert parsers.create_parser("ec2") is parsers.create_parser("ec2")
    assert parsers.create_parser("ec2") is not parsers.create_parser("json")


def test_large_answers_are_parsed_one_after_the_other(monkeypatch):
    busy, most = 0, []

    def parse(self, response, shape):
        nonlocal busy
        busy += 1
        time.sleep(0.01)
        most.append((len(response["body"]), busy))
        busy -= 1
        return {}

    monkeypatch.setattr(JSONParser, "parse", parse)
    parser = Parsers().create_parser("json")

    def parsed(size: int) -> None:
        parser.parse({**HEADERS, "body": b" " * size}, None)

    for size in (100_000, 100):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(parsed, [size] * 8))
    assert {number for size, number in most if size > 100} == {1}
    assert {number for size, number in most if size == 100} != {1}
