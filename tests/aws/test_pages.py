"""A large page of a list that is as it was is not parsed a second time."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from botocore.handlers import json_decode_policies
from botocore.session import get_session

from missyou_operator.aws.pages import Page, Pages, remembered, remembering
from missyou_operator.aws.policy_documents import decoded

ROWS = [{"VpcId": f"vpc-{number}"} for number in range(400)]


class Aws:
    """Answers of AWS as bytes, and their parser, which counts."""

    def __init__(self) -> None:
        self.parsed = 0

    def response(self, rows: list[dict[str, str]], request_id: str, status: int = 200) -> dict[str, Any]:
        body = f"<DescribeVpcsResponse><requestId>{request_id}</requestId>{rows}</DescribeVpcsResponse>".encode()
        return {"body": body, "headers": {"x-amzn-requestid": request_id}, "status_code": status}

    def read(self, pages: Pages, rows: list[dict[str, str]], request_id: str) -> dict[str, Any]:
        def parse() -> dict[str, Any]:
            self.parsed += 1
            return {"Vpcs": rows, "NextToken": "more", "ResponseMetadata": {"RequestId": request_id}}

        with remembering(pages):
            answer: dict[str, Any] = remembered(self.response(rows, request_id), parse)
        return answer


@pytest.fixture
def aws() -> Aws:
    return Aws()


def pages(before: Pages | None = None) -> Pages:
    return Pages(before.seen if before else {}, "Vpcs", len)


def test_a_page_that_says_the_same_is_parsed_once_whatever_its_request(aws: Aws) -> None:
    first = pages()
    made = aws.read(first, ROWS, "request-1")
    second = pages(first)
    again = aws.read(second, ROWS, "request-2")
    assert aws.parsed == 1
    [page] = again["Vpcs"]
    assert isinstance(page, Page)
    assert (page.split, page) == (400, made["Vpcs"][0])
    assert again["NextToken"] == "more"
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_another_page_is_parsed_and_one_that_nobody_saw_is_forgotten(aws: Aws) -> None:
    first = pages()
    aws.read(first, ROWS, "1")
    second = pages(first)
    aws.read(second, ROWS[1:], "2")
    third = pages(second)
    aws.read(third, ROWS, "3")
    assert aws.parsed == 3
    assert len(third.seen) == 1


def test_small_pages_and_errors_are_parsed_as_ever(aws: Aws) -> None:
    first = pages()
    for _ in range(2):
        assert aws.read(first, ROWS[:5], "1")["Vpcs"] == ROWS[:5]
    with remembering(first):
        assert remembered(aws.response(ROWS, "1", status=503), lambda: "an error") == "an error"
    assert aws.parsed == 2
    assert first.seen == {}


def test_who_reads_no_list_gets_rows(aws: Aws) -> None:
    assert remembered(aws.response(ROWS, "1"), lambda: {"Vpcs": ROWS}) == {"Vpcs": ROWS}


def test_botocore_looks_for_policies_in_a_page_and_finds_none() -> None:
    model = get_session().get_service_model("iam").operation_model("GetAccountAuthorizationDetails")
    page = Page({}, "split")
    answer = {"RoleDetailList": [page]}
    json_decode_policies(answer, model)
    assert answer == {"RoleDetailList": [page]}
    document = {"Version": "2012-10-17", "Statement": []}
    assert decoded(quote(json.dumps(document))) == decoded(document) == document
    assert decoded(None) is None
