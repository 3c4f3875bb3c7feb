"""Sending a "miss you", listing and reading, over the API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from missyou_backend.app import create_app
from missyou_backend.push import Note
from missyou_backend.words import Occasion


def send(client, two, key: str | None = None, **body: object):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/v1/notifications", json={"sourceId": two[0], "targetId": two[1], **body}, headers=headers)


def register(client, user: int, *tokens: str) -> None:
    for token in tokens:
        client.post(f"/v1/users/{user}/devices", json={"token": token, "platform": "android"})


def listed(client, user: int, **query: object):
    return client.get(f"/v1/users/{user}/notifications", query_string=query).get_json()


def test_the_senders_own_words_are_sent_as_they_are(client, two, author) -> None:
    answer = send(client, two, message=" I miss you 💙 ")
    sent = answer.get_json()
    assert answer.status_code == 201
    assert (sent["title"], sent["description"], sent["isRead"]) == ("Ann misses you", "I miss you 💙", False)
    assert (sent["sourceId"], sent["targetId"], sent["writtenBy"], sent["push"]) == (*two, "sender", "noDevices")
    assert datetime.fromisoformat(sent["createdAt"]).utcoffset() == timedelta(0)
    assert author.occasions == []
    stored = {name: value for name, value in sent.items() if name not in {"writtenBy", "push"}}
    assert listed(client, two[1]) == {"items": [stored], "nextCursor": None}
    assert listed(client, two[0])["items"] == []


def test_words_are_found_for_a_mood_and_a_language(client, two, author) -> None:
    sent = send(client, two, mood="wistful", language="de").get_json()
    assert (sent["title"], sent["description"], sent["writtenBy"]) == ("From afar", "I think of you 💙", "ai")
    send(client, two)
    assert author.occasions == [Occasion("Ann", "Bob", "wistful", "de"), Occasion("Ann", "Bob", None, None)]


def test_it_is_pushed_to_every_device_of_the_target(client, two, postman) -> None:
    register(client, two[0], "of-ann")
    register(client, two[1], "b1", "b2")
    sent = send(client, two, message="hey").get_json()
    assert sent["push"] == "sent"
    note = Note(sent["id"], "Ann misses you", "hey")
    assert sorted(token for token, _ in postman.delivered) == ["b1", "b2"]
    assert {note for _, note in postman.delivered} == {note}


def test_tokens_that_are_gone_are_removed_and_the_others_stay(client, two, counts) -> None:
    register(client, two[1], "gone-1", "busy-1", "b1")
    assert send(client, two, message="hey").get_json()["push"] == "sent"
    assert counts()["user_devices"] == 2


def test_a_push_that_fails_loses_nothing(client, two) -> None:
    register(client, two[1], "busy-1")
    sent = send(client, two, message="hey")
    assert (sent.status_code, sent.get_json()["push"]) == (201, "failed")
    assert len(listed(client, two[1])["items"]) == 1


def test_without_a_pusher_it_is_disabled(database, two, author) -> None:
    client = create_app(database, author, None).test_client()
    register(client, two[1], "b1")
    assert send(client, two, message="hey").get_json()["push"] == "disabled"


@pytest.mark.parametrize(("ids", "field"), [((9, 2), "sourceId"), ((1, 9), "targetId")])
def test_an_unknown_user_is_named_and_nothing_stored(  # noqa: PLR0917 - fixtures
    client, two, counts, author, ids, field
) -> None:
    answer = send(client, ids, "key", mood="sad")
    assert answer.status_code == 404
    assert answer.get_json()["errors"] == [{"field": field, "message": "no such user"}]
    assert counts()["notifications"] == counts()["idempotency_keys"] == 0
    assert author.occasions == []


def test_the_same_key_and_body_send_once(client, two, counts, postman, author) -> None:
    register(client, two[1], "b1")
    first, again = (send(client, two, "key", mood="sad") for _ in range(2))
    assert again.get_json() == first.get_json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (counts()["notifications"], len(postman.delivered), len(author.occasions)) == (1, 1, 1)


def test_the_same_key_with_another_body_is_refused(client, two, counts) -> None:
    send(client, two, "key", message="one")
    refused = send(client, two, "key", message="two")
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert counts()["notifications"] == 1


def test_a_key_belongs_to_its_sender(client, two, counts) -> None:
    ann, bob = two
    assert send(client, (ann, bob), "key", message="one").status_code == 201
    assert send(client, (bob, ann), "key", message="two").status_code == 201
    assert counts()["notifications"] == 2


def test_sends_at_once_with_one_key_store_and_push_once(client, two, counts, author, postman) -> None:
    register(client, two[1], "b1")
    author.hold = threading.Event()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(lambda: send(client.application.test_client(), two, "key", mood="sad")) for _ in range(6)]
        while len(author.occasions) < 6:  # all have found the key unknown, and hold no connection while they write
            assert not any(each.done() for each in asked)
        author.hold.set()
        answers = [each.result() for each in asked]
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert {answer.get_json()["push"] for answer in answers} <= {"sent", "pending"}
    assert (counts()["notifications"], len(postman.delivered)) == (1, 1)


def age(database, hours: float, where: str = "true") -> None:
    with database.transaction() as connection:
        connection.execute(
            text(f"UPDATE idempotency_keys SET created_at = now() - make_interval(mins => :mins) WHERE {where}"),
            {"mins": int(hours * 60)},
        )


def test_a_key_is_forgotten_after_a_day(client, two, counts, database) -> None:
    send(client, two, "key", message="one")
    age(database, 23.9)
    assert "Idempotent-Replayed" in send(client, two, "key", message="one").headers
    age(database, 24.1)
    assert "Idempotent-Replayed" not in send(client, two, "key", message="other").headers
    assert counts()["notifications"] == 2


def test_old_keys_are_removed_a_few_at_a_time(client, two, counts, database) -> None:
    for number in range(25):
        send(client, two, f"key{number}", message="m")
    age(database, 25)
    send(client, two, "new1", message="m")
    assert counts()["idempotency_keys"] == 16
    for number in (2, 3, 4):
        send(client, two, f"new{number}", message="m")
    assert counts()["idempotency_keys"] == 4


def test_unread_come_first_then_the_newest_and_pages_give_each_once(client, two) -> None:
    ids = [send(client, two, message=f"m{number}").get_json()["id"] for number in range(11)]
    for id_ in ids[::2]:
        client.post(f"/v1/notifications/{id_}/read")
    expected = [*reversed(ids[1::2]), *reversed(ids[::2])]
    for limit in (1, 3, 5, 6, 11, 100):
        seen, query = [], {"limit": limit}
        while True:
            page = listed(client, two[1], **query)
            seen += [each["id"] for each in page["items"]]
            if page["nextCursor"] is None:
                break
            assert len(page["items"]) == limit
            query["cursor"] = page["nextCursor"]
        assert seen == expected, limit


def test_one_is_marked_read_and_again(client, two) -> None:
    id_ = send(client, two, message="m").get_json()["id"]
    for _ in range(2):
        answer = client.post(f"/v1/notifications/{id_}/read")
        assert (answer.status_code, answer.get_json()["isRead"]) == (200, True)


def test_all_are_marked_read_and_only_the_targets(client, two) -> None:
    ann, bob = two
    for _ in range(3):
        send(client, two, message="m")
    send(client, (bob, ann), message="m")
    assert client.post(f"/v1/users/{bob}/notifications/read").get_json() == {"marked": 3}
    assert client.post(f"/v1/users/{bob}/notifications/read").get_json() == {"marked": 0}
    assert all(each["isRead"] for each in listed(client, bob)["items"])
    assert not listed(client, ann)["items"][0]["isRead"]


def test_the_longest_texts_fit_the_index(client, author, database) -> None:
    # Four bytes a character, and nothing that could be compressed.
    long = [chr(0x10000 + 7919 * number % 0x20000) for number in range(580)]
    names = ["".join(long[:40]), "".join(long[40:80])]
    ids = [client.post("/v1/users", json={"username": name}).get_json()["id"] for name in names]
    sent = send(client, ids, message="".join(long[80:]))
    assert sent.status_code == 201
    with database.transaction() as connection:
        connection.execute(
            text("UPDATE notifications SET title = :title WHERE id = :id"),
            {"title": "".join(long[:80]), "id": sent.get_json()["id"]},
        )
    [found] = listed(client, ids[1])["items"]
    assert len((found["title"] + found["description"]).encode()) == 2320
