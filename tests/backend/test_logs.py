"""The log is JSON, has one line per request, and contains nothing that users typed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from missyou_backend.logs import JsonFormatter
from missyou_backend.request_log import id_of

from .people import befriend, join

TRACE = "1-67891233-abcdef012345678912345678"


class Lines(logging.Handler):
    """Collects log lines as the formatter writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"

    def requests(self) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in lines if line["logger"] == "missyou_backend.requests"]


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    root, ours = logging.getLogger(), logging.getLogger("missyou_backend")
    before = (root.level, ours.level)
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(lines)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def test_a_request_is_one_line(two, lines) -> None:
    answer = two[0].get(
        "/v1/users/1", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Amzn-Trace-Id": f"Root={TRACE}"}
    )
    length = len(answer.data)  # read to the end: then it is logged
    [line] = lines.requests()
    assert line.pop("time").endswith("+00:00")
    assert 0 < line.pop("durationMs") < 5000
    assert line == {
        "level": "info",
        "logger": "missyou_backend.requests",
        "message": "request",
        "requestId": TRACE,
        "method": "GET",
        "route": "/v1/users/{id}",
        "status": 200,
        "client": "203.0.113.9",
        "bytes": length,
    }


def test_probes_are_logged_only_when_they_fail(client, lines, database) -> None:
    client.get("/health")
    client.get("/live")
    assert lines.requests() == []
    client.post("/health")
    assert [line["status"] for line in lines.requests()] == [405]


def test_nothing_that_users_typed_is_logged(client, lines, database) -> None:
    secrets = ["Name-Of-Ann", "Name-Of-Bob", "my-message", "my-mood", "my-language", "my-token", "my-key", "my-prefix"]
    ann, bob = (join(client.application, name) for name in secrets[:2])
    befriend(database, ann, bob)
    client.post("/v1/users", json={"username": secrets[0]})
    bob.post(f"{bob.path}/devices", json={"token": "my-token", "platform": "ios"})
    for more in (
        {"message": "my-message"},
        {"mood": "my-mood", "language": "my-language"},
        {"message": "my-message\0"},
    ):
        ann.send(bob, "my-key" + str(more)[:9], **more)
    made = ann.post(f"{ann.path}/tokens", json={"name": "my-tablet"}).get_json()["token"]
    secrets += ["my-tablet", made, ann.token, bob.token]
    ann.get("/v1/users?username=my-prefix")
    client.get("/v1/my-message/my-token", headers={"Authorization": "Bearer my-token"})
    client.get("/v1/users/1?access_token=my-token", headers={"Authorization": "Bearer my-token"})
    with database.transaction() as connection:
        # The server's error quotes the whole row.
        connection.execute(text("ALTER TABLE notifications ADD CHECK (description <> 'my-message') NOT VALID"))
    try:
        assert ann.send(bob, message="my-message").status_code == 500
    finally:
        with database.transaction() as connection:
            connection.execute(text("ALTER TABLE notifications DROP CONSTRAINT notifications_description_check"))
    assert '"error": "IntegrityError"' in lines.text
    assert '"stack"' in lines.text
    assert len(lines.requests()) == 12
    assert [secret for secret in secrets if secret in lines.text] == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"HTTP_X_AMZN_TRACE_ID": f"Self=1-2-3;Root={TRACE};Sampled=1"}, TRACE),
        ({"HTTP_X_AMZN_TRACE_ID": f"Root={TRACE}", "HTTP_X_REQUEST_ID": "mine"}, TRACE),
        ({"HTTP_X_REQUEST_ID": "mine-1.2_3"}, "mine-1.2_3"),
    ],
)
def test_a_well_formed_id_is_kept(headers, expected) -> None:
    assert id_of(headers) == expected


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, 'a"b', "a\nb", "é"])
def test_another_is_replaced(bad) -> None:
    made = id_of({"HTTP_X_REQUEST_ID": bad, "HTTP_X_AMZN_TRACE_ID": f"Root={bad}"})
    assert len(made) == 32
    assert made != id_of({})
