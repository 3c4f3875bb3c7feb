"""Bad input in any field answers a 4xx problem and stores nothing. Legal text that looks bad is kept."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_backend.dispatch import MAX_BODY

from .people import befriend, join

RAW = "\x1a"  # stands for a piece of JSON that json.dumps would not write
GOOD: dict[str, dict[str, Any]] = {
    "/v1/users": {"username": "eve"},
    "/v1/users/1/devices": {"token": "t", "platform": "ios"},
    "/v1/users/1/tokens": {"name": "n"},
    "/v1/users/1/consents/2": {"state": "accepted"},
    "/v1/notifications": {"targetId": 2, "message": "m"},
}
#: Path, field, and its longest text (0: not a text).
TEXTS = [
    ("/v1/users", "username", 40),
    ("/v1/users/1/devices", "token", 1024),
    ("/v1/users/1/tokens", "name", 40),
    ("/v1/notifications", "message", 500),
    ("/v1/notifications", "mood", 60),
    ("/v1/notifications", "language", 35),
]
NUMBERS = [("/v1/notifications", "targetId")]
CHOICES = [("/v1/users/1/devices", "platform"), ("/v1/users/1/consents/2", "state")]
NOT_TEXT = ["1", "1.5", "true", "[]", '["a"]', "{}", "NaN", "9" * 400]
BAD_TEXT = [
    '""',
    '" "',
    r'"\u0000"',
    r'"a\u0000b"',
    r'"\ud800"',
    r'"\udfff\ud800"',
    r'"a\nb"',
    r'"\u007f"',
    r'"\u0085"',
]
BAD_NUMBERS = [
    '"1"', "1.5", "true", "null", "[1]", "{}", "0", "-1", "9223372036854775808", "-9223372036854775809", "1e400", "NaN",
    "Infinity", "9" * 400, '"1 OR 1=1"', "0x1", "01",
]  # fmt: skip
LEGAL_TEXT = [
    "'; DROP TABLE users; --",
    "\" OR ''='",
    "%s %(id)s {0} ${x}",
    "\\",
    "<script>alert(1)</script>",
    "👩‍👩‍👧‍👦💙",
    "\u202eabc",
    "日本語",
    "\ufffe",
]


@pytest.fixture
def refuses(client, two, counts) -> Iterator[Any]:
    """Return a function that sends a body and expects a rejection that stores nothing."""
    before = counts()

    def send(path: str, body: bytes | str, status: set[int], **headers: str) -> dict[str, Any]:
        method = "PUT" if "consents" in path else "POST"
        headers = {"Content-Type": "application/json", **headers}
        sent = two[0].open if path != "/v1/users" else client.open
        answer = sent(method=method, path=path, data=body, headers=headers)
        assert answer.status_code in status, answer.text
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["status"] == answer.status_code
        return answer.get_json()

    yield send
    assert counts() == before


def body_with(path: str, field: str, raw: str) -> str:
    body = {**GOOD[path], field: RAW}
    if field in {"mood", "language"}:
        del body["message"]
    return json.dumps(body).replace(json.dumps(RAW), raw)


@pytest.mark.parametrize(("path", "field", "longest"), TEXTS)
def test_no_bad_text_passes(refuses, path, field, longest) -> None:
    for raw in [*NOT_TEXT, *BAD_TEXT, json.dumps("x" * (longest + 1))]:
        problem = refuses(path, body_with(path, field, raw), {400, 422})
        if problem["status"] == 422:
            assert [error["field"] for error in problem["errors"]] == [field], raw


@pytest.mark.parametrize(("path", "field"), NUMBERS)
def test_no_bad_number_passes(refuses, path, field) -> None:
    for raw in BAD_NUMBERS:
        problem = refuses(path, body_with(path, field, raw), {400, 422})
        if problem["status"] == 422:
            assert [error["field"] for error in problem["errors"]] == [field], raw


@pytest.mark.parametrize(("path", "field"), CHOICES)
def test_no_bad_choice_passes(refuses, path, field) -> None:
    for raw in [*NOT_TEXT, *BAD_TEXT, '"IOS"', '"windows"', '"Accepted"', '"pending"', "null"]:
        refuses(path, body_with(path, field, raw), {400, 422})


@pytest.mark.parametrize("path", GOOD)
def test_no_bad_body_passes(refuses, path) -> None:
    whole = json.dumps(GOOD[path])
    chance = random.Random(7)
    bodies: list[bytes | str] = [
        "", "null", "[]", "1", '"x"', whole[:-1], f"[{whole}]", whole + whole, "[" * 30_000, '{"a":' * 9_000,
        whole.encode("utf-16"), b"\xef\xbb\xbf" + whole.encode(), b'{"username": "\xff"}', "\x00",
        *(["{}"] if path != "/v1/users/1/tokens" else []),  # a token needs no name
        json.dumps({**GOOD[path], "admin": True}), json.dumps({**GOOD[path], "sourceId": 2}),
        json.dumps({**GOOD[path], "\ud800": 1}),
        *(chance.randbytes(200) for _ in range(20)),
    ]  # fmt: skip
    for body in bodies:
        refuses(path, body, {400, 422})
    for size in (MAX_BODY + 1, MAX_BODY + 2, 10 * MAX_BODY):
        refuses(path, whole.ljust(size), {413})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "nonsense"):
        refuses(path, whole, {415}, **{"Content-Type": kind})


def test_own_words_and_a_mood_are_refused_together(refuses) -> None:
    for more in ({"mood": "sad"}, {"language": "de"}):
        problem = refuses("/v1/notifications", json.dumps({**GOOD["/v1/notifications"], **more}), {422})
        assert "not both" in problem["errors"][0]["message"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "é", "\x7f", '"a\tb"'])
def test_no_bad_idempotency_key_passes(refuses, key) -> None:
    body = json.dumps(GOOD["/v1/notifications"])
    assert (
        refuses("/v1/notifications", body, {400}, **{"Idempotency-Key": key})["errors"][0]["field"] == "Idempotency-Key"
    )


@pytest.mark.parametrize("path", ["/v1/users/1/consents", "/v1/users/1/notifications"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=101", "limit=", "limit=x", "limit=1.0", "limit=1e1", "limit=+1", "limit=%201",
        "limit=1_0", "limit=%D9%A1", "limit=99999999999999999999", "limit=1&limit=2", "limit[]=1", "limit=1%00",
        "cursor=", "cursor=x", "cursor=%00", "cursor=" + "9" * 501, "cursor=é", "cursor=0", "cursor=-1", "cursor=1%0A",
        "cursor=9223372036854775808", "cursor=2.1.1", "cursor=0.1.0", "cursor=0.1", "cursor=0.-1.1", "cursor=0.1.1.1",
        "cursor=0.999999999999999999.1", "cursor=0.1.9223372036854775808", "cursor=0.%D9%A1.1", "cursor=0.1.1%0A",
        "unknown=1", "%FF=1", "&".join(f"p{n}=1" for n in range(30)),
    ],
)  # fmt: skip
def test_no_bad_parameter_passes(two, path, query) -> None:
    answer = two[0].get(path + "?" + query)
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    ["", "username=", "username=%20", "username=%00", "username=a%0A", "username=%FF", "username=%ED%A0%80",
     "username=" + "x" * 41, "username=a&username=b", "prefix=a", "username=a&prefix=", "username=a&limit=1"],
)  # fmt: skip
def test_no_bad_search_passes(two, query) -> None:
    assert two[0].get(f"/v1/users?{query}").status_code == 400


def test_a_cursor_of_one_list_is_none_of_the_other(two) -> None:
    ann, bob = two
    for _ in range(2):
        ann.send(bob, message="m")
    of_notifications = bob.received(limit=1)["nextCursor"]
    assert bob.get(f"{bob.path}/consents?cursor={of_notifications}").status_code == 400
    assert bob.get(f"{bob.path}/notifications?cursor=1").status_code == 400


@pytest.mark.parametrize(
    "id_", ["0", "-1", "01", "x", "1.0", "9223372036854775808", "9" * 400, "%00", "1%00", "%FF", "1'--", "", "..", "①"]
)
def test_no_bad_id_passes(two, counts, id_) -> None:
    before = counts()
    for method, path in [
        ("GET", f"/v1/users/{id_}"),
        ("DELETE", f"/v1/users/{id_}"),
        ("POST", f"/v1/users/{id_}/devices"),
        ("DELETE", f"/v1/users/1/devices/{id_}"),
        ("DELETE", f"/v1/users/1/tokens/{id_}"),
        ("PUT", f"/v1/users/1/consents/{id_}"),
        ("GET", f"/v1/users/{id_}/notifications"),
        ("POST", f"/v1/notifications/{id_}/read"),
    ]:
        answer = two[0].open(method, path, json=GOOD["/v1/users/1/devices"])
        assert answer.status_code in {404, 405}, path
        assert answer.content_type == "application/problem+json"
    assert counts() == before


@pytest.mark.parametrize("value", LEGAL_TEXT)
def test_legal_text_is_kept_to_the_letter(client, two, database, author, value) -> None:
    ann, bob = two
    author_of_it = join(client.application, value)
    befriend(database, author_of_it, bob)
    assert author_of_it.get(author_of_it.path).get_json()["username"] == value
    [found] = ann.get("/v1/users", query_string={"username": value}).get_json()["items"]
    assert found == {"id": author_of_it.id, "username": value}
    author_of_it.send(bob, message=value)
    author_of_it.send(bob, mood=value, language=value)
    listed = bob.received()["items"]
    assert [each["description"] for each in listed] == ["I think of you 💙", value]
    assert [each["title"] for each in listed] == ["From afar", f"{value} misses you"]
    assert (author.occasions[0].source, author.occasions[0].mood) == (value, value)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1//users", 404),
        ("GET", "/v1/users/", 404),
        ("PUT", "/v1/users", 405),
        ("PATCH", "/v1/users/1", 405),
        ("TRACE", "/health", 405),
        ("DELETE", "/", 405),
        ("POST", "/openapi.json", 405),
    ],
)
def test_every_other_error_is_a_problem_too(client, method, path, status) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    problem = answer.get_json()
    assert (problem["type"], problem["status"], problem["instance"]) == ("about:blank", status, path)
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert ("Allow" in answer.headers) == (status == 405)
