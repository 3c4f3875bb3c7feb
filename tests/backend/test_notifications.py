"""Sending a "miss you", listing and reading, over the API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from missyou_backend.app import create_app
from missyou_backend.push import Note
from missyou_backend.words import Occasion

from .people import befriend, join


def test_the_senders_own_words_are_sent_as_they_are(two, author) -> None:
    ann, bob = two
    answer = ann.send(bob, message=" I miss you 💙 ")
    sent = answer.get_json()
    assert answer.status_code == 201
    assert (sent["title"], sent["description"], sent["isRead"]) == ("Ann misses you", "I miss you 💙", False)
    assert (sent["sourceId"], sent["targetId"], sent["writtenBy"], sent["push"]) == (
        ann.id,
        bob.id,
        "sender",
        "noDevices",
    )
    assert datetime.fromisoformat(sent["createdAt"]).utcoffset() == timedelta(0)
    assert author.occasions == []
    stored = {name: value for name, value in sent.items() if name not in {"writtenBy", "push"}}
    assert bob.received() == {"items": [stored], "nextCursor": None}
    assert ann.received()["items"] == []


def test_words_are_found_for_a_mood_and_a_language(two, author) -> None:
    sent = two[0].send(two[1], mood="wistful", language="de").get_json()
    assert (sent["title"], sent["description"], sent["writtenBy"]) == ("From afar", "I think of you 💙", "ai")
    two[0].send(two[1])
    assert author.occasions == [Occasion("Ann", "Bob", "wistful", "de"), Occasion("Ann", "Bob", None, None)]


def test_it_is_pushed_to_every_device_of_the_target(two, postman) -> None:
    two[0].register("of-ann")
    two[1].register("b1", "b2")
    sent = two[0].send(two[1], message="hey").get_json()
    assert sent["push"] == "sent"
    note = Note(sent["id"], "Ann misses you", "hey")
    assert sorted(token for token, _ in postman.delivered) == ["b1", "b2"]
    assert {note for _, note in postman.delivered} == {note}


def test_tokens_that_are_gone_are_removed_and_the_others_stay(two, counts) -> None:
    two[1].register("gone-1", "busy-1", "b1")
    assert two[0].send(two[1], message="hey").get_json()["push"] == "sent"
    assert counts()["user_devices"] == 2


def test_a_push_that_fails_loses_nothing(two) -> None:
    two[1].register("busy-1")
    sent = two[0].send(two[1], message="hey")
    assert (sent.status_code, sent.get_json()["push"]) == (201, "failed")
    assert len(two[1].received()["items"]) == 1


def test_without_a_pusher_it_is_disabled(database, two, author) -> None:
    ann = replace(two[0], app=create_app(database, author, None))
    two[1].register("b1")
    assert ann.send(two[1], message="hey").get_json()["push"] == "disabled"


def test_an_unknown_target_is_named_and_nothing_stored(two, counts, author) -> None:
    answer = two[0].send(replace(two[1], id=9), "key", mood="sad")
    assert answer.status_code == 404
    assert answer.get_json()["errors"] == [{"field": "targetId", "message": "no such user"}]
    assert counts()["notifications"] == counts()["idempotency_keys"] == 0
    assert author.occasions == []


def test_the_same_key_and_body_send_once(two, counts, postman, author) -> None:
    two[1].register("b1")
    first, again = (two[0].send(two[1], "key", mood="sad") for _ in range(2))
    assert again.get_json() == first.get_json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (counts()["notifications"], len(postman.delivered), len(author.occasions)) == (1, 1, 1)


def test_the_same_key_with_another_body_is_refused(two, counts) -> None:
    two[0].send(two[1], "key", message="one")
    refused = two[0].send(two[1], "key", message="two")
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert counts()["notifications"] == 1


def test_a_key_belongs_to_its_sender(two, counts) -> None:
    ann, bob = two
    assert ann.send(bob, "key", message="one").status_code == 201
    assert bob.send(ann, "key", message="two").status_code == 201
    assert counts()["notifications"] == 2


def test_sends_at_once_with_one_key_store_and_push_once(two, counts, author, postman) -> None:
    two[1].register("b1")
    author.hold = threading.Event()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(lambda: two[0].send(two[1], "key", mood="sad")) for _ in range(6)]
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


def test_a_key_is_forgotten_after_a_day(two, counts, database) -> None:
    two[0].send(two[1], "key", message="one")
    age(database, 23.9)
    assert "Idempotent-Replayed" in two[0].send(two[1], "key", message="one").headers
    age(database, 24.1)
    assert "Idempotent-Replayed" not in two[0].send(two[1], "key", message="other").headers
    assert counts()["notifications"] == 2


def test_old_keys_are_removed_a_few_at_a_time(two, counts, database) -> None:
    for number in range(25):
        two[0].send(two[1], f"key{number}", message="m")
    age(database, 25)
    two[0].send(two[1], "new1", message="m")
    assert counts()["idempotency_keys"] == 16
    for number in (2, 3, 4):
        two[0].send(two[1], f"new{number}", message="m")
    assert counts()["idempotency_keys"] == 4


def test_unread_come_first_then_the_newest_and_pages_give_each_once(two) -> None:
    ids = [two[0].send(two[1], message=f"m{number}").get_json()["id"] for number in range(11)]
    for id_ in ids[::2]:
        two[1].post(f"/v1/notifications/{id_}/read")
    expected = [*reversed(ids[1::2]), *reversed(ids[::2])]
    for limit in (1, 3, 5, 6, 11, 100):
        seen, query = [], {"limit": limit}
        while True:
            page = two[1].received(**query)
            seen += [each["id"] for each in page["items"]]
            if page["nextCursor"] is None:
                break
            assert len(page["items"]) == limit
            query["cursor"] = page["nextCursor"]
        assert seen == expected, limit


def test_one_is_marked_read_and_again(two) -> None:
    id_ = two[0].send(two[1], message="m").get_json()["id"]
    for _ in range(2):
        answer = two[1].post(f"/v1/notifications/{id_}/read")
        assert (answer.status_code, answer.get_json()["isRead"]) == (200, True)


def test_all_are_marked_read_and_only_the_targets(two) -> None:
    ann, bob = two
    for _ in range(3):
        ann.send(bob, message="m")
    bob.send(ann, message="m")
    assert bob.post(f"{bob.path}/notifications/read").get_json() == {"marked": 3}
    assert bob.post(f"{bob.path}/notifications/read").get_json() == {"marked": 0}
    assert all(each["isRead"] for each in bob.received()["items"])
    assert not ann.received()["items"][0]["isRead"]


def test_the_longest_texts_fit_the_index(client, author, database) -> None:
    # Four bytes a character, and nothing that could be compressed.
    long = [chr(0x10000 + 7919 * number % 0x20000) for number in range(580)]
    names = ["".join(long[:40]), "".join(long[40:80])]
    one, other = (join(client.application, name) for name in names)
    befriend(database, one, other)
    sent = one.send(other, message="".join(long[80:]))
    assert sent.status_code == 201
    with database.transaction() as connection:
        connection.execute(
            text("UPDATE notifications SET title = :title WHERE id = :id"),
            {"title": "".join(long[:80]), "id": sent.get_json()["id"]},
        )
    [found] = other.received()["items"]
    assert len((found["title"] + found["description"]).encode()) == 2320
