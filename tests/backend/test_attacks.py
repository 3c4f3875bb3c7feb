"""What strangers and other users try, each refused with the reason in words."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from missyou_backend import tokens
from missyou_backend.app import create_app
from missyou_backend.openapi import document

from .people import Person, befriend, join, limited

#: Everything that a client may do without a token.
OPEN = {("GET", "/"), ("GET", "/health"), ("GET", "/live"), ("GET", "/openapi.json"), ("POST", "/v1/users")}
BODIES = {
    "/v1/users/{id}/devices": {"token": "eavesdropper", "platform": "web"},
    "/v1/users/{id}/tokens": {"name": "mine"},
    "/v1/users/{id}/consents/{userId}": {"state": "accepted"},
    "/v1/notifications": {"targetId": 2, "message": "m"},
}


def routes(client) -> set[tuple[str, str]]:
    """Return the method and path of everything that the application serves, read from its URL map."""
    return {
        (method, rule.rule.replace("<id:", "{").replace(">", "}"))
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def filled(path: str, **ids: int) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(ids.get(found[1], 1)), path)


# Without a token, or with one that is none


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, False),
        ("", False),
        ("Bearer", False),
        ("Basic QW5uOnBhc3M=", False),
        ("Token missyou_x", False),
        ("Bearer missyou_x, Bearer missyou_y", False),
        ("Bearer " + "x" * 5000, False),
        ("Bearer missyou_guessed", True),
        ("Bearer a.b.c", True),
    ],
)
def test_every_route_but_five_needs_a_token(client, two, counts, header, error) -> None:
    """A new route that forgets its door fails here, since the routes are those of the application's URL map."""
    before = counts()
    for method, path in sorted(routes(client) - OPEN):
        headers = {} if header is None else {"Authorization": header}
        answer = client.open(filled(path), method=method, json=BODIES.get(path), headers=headers)
        assert (answer.status_code, answer.get_json()["type"]) == (401, "/problems/unauthorized"), (method, path)
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="missyou"')
        assert ('error="invalid_token"' in challenge) is error
        assert "Authorization: Bearer" in answer.get_json()["detail"]
    assert counts() == before


def test_head_and_options_are_no_way_around(client, two) -> None:
    for method, path in sorted(routes(client) - OPEN):
        if method == "GET":
            assert client.head(filled(path)).status_code == 401
        assert client.options(filled(path)).status_code == 405, path


def test_the_document_says_the_same(client) -> None:
    said = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if operation["security"] == [{"bearer": []}]
    }
    assert said == routes(client) - OPEN
    assert document()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for method, path in said:
        assert "401" in document()["paths"][path][method.lower()]["responses"]


def test_a_token_in_the_query_or_the_body_is_none(client, two) -> None:
    ann, _ = two
    for path in (f"{ann.path}?access_token={ann.token}", f"{ann.path}?token={ann.token}"):
        assert client.get(path).status_code == 401
    form = {"access_token": ann.token}
    assert client.post(f"{ann.path}/notifications/read", data=form).status_code == 401
    client.set_cookie("Authorization", f"Bearer {ann.token}")
    assert client.get(ann.path).status_code == 401


def test_a_revoked_token_is_worthless_in_every_task_at_once(client, two, database, author) -> None:
    ann, _ = two
    in_another_task = replace(ann, app=create_app(database, author, None))
    stolen = replace(ann, token=ann.post(f"{ann.path}/tokens", json={}).get_json()["token"])
    assert replace(in_another_task, token=stolen.token).get(ann.path).status_code == 200
    [newest, _] = ann.get(f"{ann.path}/tokens").get_json()["items"]
    assert in_another_task.delete(f"{ann.path}/tokens/{newest['id']}").status_code == 204
    assert stolen.get(ann.path).status_code == 401


def test_whoever_reads_the_table_of_tokens_can_sign_in_as_nobody(two, database) -> None:
    ann, _ = two
    with database.transaction() as connection:
        rows = connection.execute(text("SELECT to_jsonb(user_tokens)::text, token_hash FROM user_tokens")).all()
    assert bytes(rows[0].token_hash) == hashlib.sha256(ann.token.encode()).digest()
    assert not any(ann.token in shown or ann.token.removeprefix(tokens.PREFIX) in shown for shown, _ in rows)
    assert replace(ann, token=bytes(rows[0].token_hash).hex()).get(ann.path).status_code == 401


def test_a_guess_is_looked_up_by_its_hash_alone(two, database, monkeypatch) -> None:
    """Nothing compares the characters of a token: neither how long nor how far a guess agrees can be measured."""
    ann, _ = two
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(tokens.hmac, "compare_digest", lambda one, other: compared.append((one, other)) or one == other)
    with database.transaction() as connection:
        found = tokens.find(connection, ann.token)
        assert tokens.find(connection, ann.token[:-1] + "A" * 1) in {None, found}
        assert tokens.find(connection, ann.token[:-2]) is None
    assert found is not None
    assert found.user_id == ann.id
    assert all(len(one) == len(other) == 32 for one, other in compared)
    assert len({ann.token, two[1].token}) == 2
    assert len(ann.token) == len(tokens.PREFIX) + 43  # 256 bits in base64


# As another user


def test_what_is_anothers_is_for_everybody_else_as_if_it_did_not_exist(client, two, counts) -> None:
    """Every route with an id, of the application's URL map: as Bob with Ann's ids, and with ids of nobody."""
    ann, bob = two
    ann.register("of-ann")
    sent = bob.send(ann, message="for Ann's eyes").get_json()["id"]
    token = ann.get(f"{ann.path}/tokens").get_json()["items"][0]["id"]
    device = ann.get(f"{ann.path}/devices").get_json()["items"][0]["id"]
    stranger = join(client.application, "Mallory")
    before = counts()
    tried = sorted((method, path) for method, path in routes(client) - OPEN if "{id}" in path)
    assert len(tried) >= 13
    for method, path in tried:
        hers = {"id": sent if path.startswith("/v1/notifications") else ann.id, "tokenId": token, "deviceId": device}
        answers = [
            stranger.open(method, filled(path, **{**hers, "userId": bob.id, **ids}), json=BODIES.get(path))
            for ids in ({}, {"id": 999_999})
        ]
        problems = [{**answer.get_json(), "instance": "", "requestId": ""} for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404], (method, path)
        assert problems[0] == problems[1], (method, path)
    for method, path in (("DELETE", f"tokens/{token}"), ("DELETE", f"devices/{device}")):
        assert stranger.open(method, f"{stranger.path}/{path}").status_code == 404
    assert counts() == before
    assert ann.received()["items"][0]["isRead"] is False


def test_nobody_can_list_everybody(client, two) -> None:
    ann, bob = two
    mallory = join(client.application, "Mallory")
    for query in ("", "?username=", "?prefix=", "?username=%25", "?username=_nn", "?username=A"):
        answer = mallory.get(f"/v1/users{query}")
        assert answer.status_code == 400 or answer.get_json() == {"items": []}, query
    assert "Ann" not in "".join(mallory.get(f"/v1/users/{id_}").text for id_ in (ann.id, bob.id))
    # To ask somebody, or to decide about them, tells their name to nobody either.
    for person in (ann, bob):
        mallory.send(person, message="who are you?")
        assert mallory.decide(person, "accepted").status_code == 404
        assert mallory.get(f"/v1/users/{person.id}").status_code == 404
    for state in ("pending", "accepted", "declined", "blocked"):
        assert mallory.get(f"{mallory.path}/consents?state={state}").get_json()["items"] == []


def test_names_cannot_be_tried_out_without_end(database, author) -> None:
    app = create_app(database, author, None, limits=limited(finds=3, signups_address=4))
    mallory, _ann = join(app, "Mallory"), join(app, "Ann")
    found = [mallory.get("/v1/users", query_string={"username": name}) for name in ("Al", "Bo", "Ann", "Cy")]
    assert [answer.status_code for answer in found] == [200, 200, 200, 429]
    assert "Too many searches" in found[-1].get_json()["detail"]
    tried = [app.test_client().post("/v1/users", json={"username": "ann"}).status_code for _ in range(3)]
    assert tried == [409, 409, 429]


def test_nobody_speaks_as_another(two, counts) -> None:
    ann, bob = two
    for more in ({"sourceId": ann.id}, {"source_id": ann.id}):
        assert bob.send(ann, message="I am Ann", **more).status_code == 422
    assert counts()["notifications"] == 0
    assert bob.send(ann, message="I am Bob").get_json()["sourceId"] == bob.id


def test_a_key_of_another_user_replays_nothing_of_theirs(client, two, database) -> None:
    ann, bob = two
    mallory = join(client.application, "Mallory")
    befriend(database, mallory, bob)
    secret = ann.send(bob, "the-key", message="only for Bob").get_json()
    answer = mallory.send(bob, "the-key", message="only for Bob")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
    assert answer.get_json()["id"] != secret["id"]
    assert ann.send(bob, "the-key", message="only for Bob").get_json()["id"] == secret["id"]


# Limits


def test_the_budget_of_the_ai_cannot_be_spent_by_one_nor_by_many(two, database, author) -> None:
    app = create_app(database, author, None, limits=limited(ai_user=2, ai=3))
    ann, bob = (replace(person, app=app) for person in two)
    by_ann = [ann.send(bob, mood="sad").get_json()["writtenBy"] for _ in range(4)]
    by_bob = [bob.send(ann, mood="sad").get_json()["writtenBy"] for _ in range(3)]
    assert by_ann == ["ai", "ai", "template", "template"]
    assert by_bob == ["ai", "template", "template"]
    assert len(author.occasions) == 3
    assert ann.send(bob, message="my own").get_json()["writtenBy"] == "sender"


def test_a_budget_of_nothing_is_no_ai(two, database, author) -> None:
    ann = replace(two[0], app=create_app(database, author, None, limits=limited(ai=0)))
    assert ann.send(two[1], mood="sad").get_json()["writtenBy"] == "template"
    assert author.occasions == []


@pytest.mark.parametrize(
    ("name", "act", "says"),
    [
        ("sends", lambda ann, bob, _: ann.send(bob, message="m"), "Too many messages: at most 3 in an hour."),
        ("devices", lambda ann, _, n: ann.post(f"{ann.path}/devices", json={"token": f"t{n}", "platform": "ios"}),
         "Too many registrations of devices: at most 3 in an hour."),
        ("tokens", lambda ann, *_: ann.post(f"{ann.path}/tokens", json={}),
         "Too many new tokens: at most 3 in an hour."),
        ("strangers", lambda ann, _, n: ann.send(join(ann.app, f"s{n}"), message="m"),
         "Too many requests to people who have not accepted messages: at most 3 in a day."),
        ("signups", lambda ann, _, n: ann.app.test_client().post("/v1/users", json={"username": f"n{n}"}),
         "Too many new users: at most 3 in an hour."),
    ],
    ids=["sends", "devices", "tokens", "strangers", "sign-ups"],
)  # fmt: skip
def test_a_limit_counts_in_all_tasks_together(  # noqa: PLR0917 - fixtures
    two, database, author, name, act, says
) -> None:
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM usage"))
    tasks = [create_app(database, author, None, limits=limited(**{name: 3})) for _ in range(2)]
    answers = []
    for number in range(5):
        ann, bob = (replace(person, app=tasks[number % 2]) for person in two)
        answers.append(act(ann, bob, number))
    assert [answer.status_code >= 400 for answer in answers] == [False] * 3 + [True] * 2
    refused = answers[-1]
    assert (refused.status_code, refused.get_json()["type"]) == (429, "/problems/too-many-requests")
    assert refused.get_json()["detail"] == says
    assert 1 <= int(refused.headers["Retry-After"]) <= 86400


@pytest.mark.usefixtures("long_queue")
def test_requests_at_once_do_not_exceed_a_limit(two, database, author) -> None:
    app = create_app(database, author, None, limits=limited(sends=5))
    ann, bob = (replace(person, app=app) for person in two)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ann.send(bob, message="m").status_code, range(16)))
    assert sorted(answers) == [201] * 5 + [429] * 11
    assert len(bob.received(limit=100)["items"]) == 5


def test_a_limit_begins_anew_when_its_time_is_over_and_old_ones_are_removed(two, database, author, counts) -> None:
    ann = replace(two[0], app=create_app(database, author, None, limits=limited(sends=1)))
    assert [ann.send(two[1], message="m").status_code for _ in range(2)] == [201, 429]
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO usage SELECT 'old', n::text, now(), 1 FROM generate_series(1, 8) n"))
        connection.execute(text("UPDATE usage SET ends_at = now() - interval '1 second'"))
    assert [ann.send(two[1], message="m").status_code for _ in range(2)] == [201, 429]
    assert counts()["usage"] < 8


def test_an_id_that_does_not_exist_is_tried_out_at_the_expense_of_the_limit(two, database, author) -> None:
    ann = replace(two[0], app=create_app(database, author, None, limits=limited(sends=2)))
    nobody = replace(two[1], id=999_999)
    assert [ann.send(nobody, message="m").status_code for _ in range(3)] == [404, 404, 429]


def test_a_client_cannot_make_up_addresses_to_sign_up_from(database, author) -> None:
    client = create_app(database, author, None, limits=limited(signups_address=2)).test_client()

    def sign_up(number: int, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return client.post("/v1/users", json={"username": f"u{number}"}, headers=headers).status_code

    # The load balancer appends the address that it sees.
    assert [sign_up(n, f"198.51.100.{n}, 203.0.113.9") for n in range(4)] == [201, 201, 429, 429]
    # A customer has a whole /64 of IPv6.
    assert [sign_up(10 + n, f"2001:db8::{n}") for n in range(4)] == [201, 201, 429, 429]
    assert sign_up(20, "2001:db8:0:1::1") == 201
    assert sign_up(21, "203.0.113.10") == 201
    assert sign_up(22, "::ffff:203.0.113.9") == 429


# Consent


def test_nothing_reaches_a_stranger_before_they_accept(strangers, postman, author, counts) -> None:
    ann, bob = strangers
    bob.register("b1")
    asked = ann.send(bob, "k", mood="sad")
    assert (asked.status_code, asked.get_json()) == (202, {"targetId": bob.id, "state": "pending"})
    assert (bob.received()["items"], postman.delivered, author.occasions) == ([], [], [])
    assert counts()["notifications"] == 0
    [request] = bob.get(f"{bob.path}/consents").get_json()["items"]
    assert (request["userId"], request["username"], request["state"]) == (ann.id, "Ann", "pending")
    delivered = bob.decide(ann, "accepted").get_json()["delivered"]
    assert (delivered["sourceId"], delivered["writtenBy"], delivered["push"]) == (ann.id, "ai", "sent")
    assert [each["id"] for each in bob.received()["items"]] == [delivered["id"]]
    assert (len(postman.delivered), len(author.occasions)) == (1, 1)
    # Now both ways work.
    assert ann.send(bob, message="m").status_code == bob.send(ann, message="m").status_code == 201


def test_a_repeated_request_waits_once_and_is_answered_with_what_became_of_it(strangers, counts) -> None:
    ann, bob = strangers
    first, again = (ann.send(bob, "k", message="m") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ann.send(bob, "k", message="another").status_code == 422
    waits = ann.send(bob, "k2", message="m")
    assert (waits.status_code, waits.get_json()["type"]) == (409, "/problems/awaiting-consent")
    delivered = bob.decide(ann, "accepted").get_json()["delivered"]
    replayed = ann.send(bob, "k", message="m")
    assert (replayed.status_code, replayed.get_json()["id"]) == (201, delivered["id"])
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert bob.decide(ann, "accepted").get_json()["delivered"] is None
    assert counts()["notifications"] == 1


@pytest.mark.parametrize("decision", ["declined", "blocked"])
def test_who_is_declined_or_blocked_cannot_tell_it_from_no_answer(strangers, counts, database, decision) -> None:
    ann, bob = strangers

    def what_ann_sees() -> list[object]:
        answers = [ann.send(bob, "k", message="m"), ann.send(bob, message="m"), ann.get(bob.path)]
        seen = [{**answer.get_json(), "requestId": ""} for answer in answers]
        return [[answer.status_code for answer in answers], seen]

    ann.send(bob, "k", message="m")
    before = what_ann_sees()
    decided = bob.decide(ann, decision).get_json()
    assert (decided["state"], decided["delivered"]) == (decision, None)
    assert what_ann_sees() == before
    assert counts()["notifications"] == 0
    with database.transaction() as connection:
        assert connection.execute(text("SELECT message FROM consents WHERE asked_at IS NOT NULL")).scalar() is None
    # To think better of it delivers nothing of then, and lets new messages through.
    assert bob.decide(ann, "accepted").get_json()["delivered"] is None
    assert ann.send(bob, message="m").status_code == 201


def test_a_friend_who_is_blocked_looks_like_one_not_asked_yet_and_nothing_is_stored(two, counts, database) -> None:
    ann, bob = two
    assert bob.decide(ann, "blocked").status_code == 200
    assert ann.send(bob, "k", message="psst").status_code == 202
    assert ann.send(bob, "k", message="psst").status_code == 202
    assert ann.send(bob, "k2", message="psst").status_code == 409
    assert counts()["notifications"] == 0
    with database.transaction() as connection:
        assert connection.execute(text("SELECT count(message) FROM consents")).scalar() == 0


def test_nobody_accepts_on_behalf_of_another(strangers, counts) -> None:
    ann, bob = strangers
    ann.send(bob, message="m")
    assert ann.put(f"{bob.path}/consents/{ann.id}", json={"state": "accepted"}).status_code == 404
    assert ann.decide(bob, "accepted").status_code == 404
    assert ann.send(bob, message="again").status_code == 409
    assert counts()["notifications"] == 0
    assert ann.send(ann, message="a note to myself").status_code == 201


def at_once(*acts) -> list[object]:
    together = threading.Barrier(len(acts))

    def run(act):
        together.wait(10)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(run, act) for act in acts]]


@pytest.mark.usefixtures("long_queue")
@pytest.mark.parametrize("round_", range(5))
def test_of_requests_at_once_one_waits(strangers, counts, round_) -> None:
    ann, bob = strangers
    answers = at_once(*[lambda: ann.send(bob, "k", message="m")] * 3, *[lambda: ann.send(bob, message="m")] * 3)
    assert sum(answer.status_code == 202 and "Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len(bob.get(f"{bob.path}/consents").get_json()["items"]) == 1
    assert counts()["consents"] == 2


@pytest.mark.usefixtures("long_queue")
@pytest.mark.parametrize("round_", range(5))
def test_two_who_ask_each_other_at_once_hear_from_each_other(strangers, round_) -> None:
    ann, bob = strangers
    answers = at_once(lambda: ann.send(bob, message="m"), lambda: bob.send(ann, message="m"))
    # Whoever is second writes to somebody who has just asked them.
    assert sorted(answer.status_code for answer in answers) == [201, 202]
    first, second = (ann, bob) if answers[0].status_code == 202 else (bob, ann)
    assert len(first.received()["items"]) == 1
    assert second.decide(first, "accepted").get_json()["delivered"]["sourceId"] == first.id


@pytest.mark.usefixtures("long_queue")
@pytest.mark.parametrize("round_", range(5))
def test_accepted_many_times_at_once_it_is_delivered_once(strangers, counts, postman, round_) -> None:
    ann, bob = strangers
    bob.register("b1")
    ann.send(bob, "k", message="m")
    answers = at_once(*[lambda: bob.decide(ann, "accepted")] * 5, lambda: ann.send(bob, "k", message="m"))
    assert all(answer.status_code in {200, 201, 202} for answer in answers)
    assert sum(answer.get_json()["delivered"] is not None for answer in answers[:5]) == 1
    assert (counts()["notifications"], len(postman.delivered)) == (1, 1)
    assert ann.send(bob, "k", message="m").status_code == 201


def test_whoever_blocks_while_words_are_found_gets_no_message(two, author, counts, postman) -> None:
    ann, bob = two
    bob.register("b1")
    author.hold = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: ann.send(bob, mood="sad"))
        deadline = time.monotonic() + 10
        while not author.occasions:
            assert time.monotonic() < deadline
        assert bob.decide(ann, "blocked").status_code == 200
        author.hold.set()
        refused = sending.result()
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/awaiting-consent")
    assert (counts()["notifications"], postman.delivered) == (0, [])


def test_whoever_erases_themselves_while_words_are_found_gets_no_message(two, author, counts) -> None:
    ann, bob = two
    author.hold = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: ann.send(bob, mood="sad"))
        deadline = time.monotonic() + 10
        while not author.occasions:
            assert time.monotonic() < deadline
        assert bob.delete(bob.path).status_code == 204
        author.hold.set()
        assert sending.result().status_code in {404, 409}
    assert counts()["notifications"] == 0


def test_pages_of_consents_give_each_once(client, strangers) -> None:
    _, bob = strangers
    people: list[Person] = [join(client.application, f"p{number}") for number in range(7)]
    for person in people:
        person.send(bob, message="m")
    seen, query = [], "limit=3"
    while True:
        page = bob.get(f"{bob.path}/consents?{query}").get_json()
        seen += [each["userId"] for each in page["items"]]
        if page["nextCursor"] is None:
            break
        query = f"limit=3&cursor={page['nextCursor']}"
    assert seen == [person.id for person in people]
