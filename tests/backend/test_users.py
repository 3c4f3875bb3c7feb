"""Users and their devices, over the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from missyou_backend import users

from .people import Person, join

TOKEN = "token-1"


def create(client, name: str):
    return client.post("/v1/users", json={"username": name})


def found(person, username: str) -> list[str]:
    answer = person.get("/v1/users", query_string={"username": username})
    return [user["username"] for user in answer.get_json()["items"]]


def test_a_user_is_created_with_a_token_and_found_where_the_answer_says(client) -> None:
    made = create(client, "  Zoë 💙 ")
    user = made.get_json()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert (user["id"], user["username"]) == (1, "Zoë 💙")
    zoe = Person(client.application, 1, user["token"])
    assert zoe.get(made.headers["Location"]).get_json() == {"id": 1, "username": "Zoë 💙"}


@pytest.mark.parametrize("again", ["Zoë", "zoË", " ZOË "])
def test_a_name_is_taken_in_upper_and_lower_case(client, counts, again) -> None:
    create(client, "zoë")
    refused = create(client, again)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "/problems/username-taken")
    assert counts()["users"] == 1


def test_forty_characters_of_any_plane_are_a_name(client) -> None:
    assert create(client, "💙" * 40).status_code == 201
    assert create(client, "💙" * 41).status_code == 422


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("ann", ["Ann"]),
        (" ANN ", ["Ann"]),
        ("éMILE", ["Émile"]),
        ("%ann", ["%ann"]),
        ("_nn", []),
        ("An", []),
        ("%", []),
        ("anna", []),
        ("' OR 1=1 --", []),
    ],
)
def test_a_user_is_found_by_the_whole_name_only(client, asked, expected) -> None:
    people = [join(client.application, name) for name in ["Ann", "%ann", "_ann", "Émile"]]
    assert found(people[-1], asked) == expected


def register(person, token: str = TOKEN, platform: str = "ios"):
    return person.post(f"{person.path}/devices", json={"token": token, "platform": platform})


def devices(person) -> list[int]:
    return [device["id"] for device in person.get(f"{person.path}/devices").get_json()["items"]]


def test_a_device_is_registered_refreshed_and_removed(two) -> None:
    ann, _ = two
    made = register(ann)
    assert made.status_code == 201
    device = made.get_json()["id"]
    assert made.headers["Location"] == f"{ann.path}/devices/{device}"
    again = register(ann, platform="web")
    assert (again.status_code, again.get_json()["id"], again.get_json()["platform"]) == (200, device, "web")
    assert again.get_json()["createdAt"] > made.get_json()["createdAt"]
    assert devices(ann) == [device]
    assert TOKEN not in ann.get(f"{ann.path}/devices").text
    assert ann.delete(f"{ann.path}/devices/{device}").status_code == 204
    assert ann.delete(f"{ann.path}/devices/{device}").status_code == 404
    assert devices(ann) == []


def test_a_token_belongs_to_who_registered_it_last(client, two) -> None:
    ann, bob = two
    register(ann)
    assert register(bob).status_code == 200
    assert (len(devices(ann)), len(devices(bob))) == (0, 1)


def test_a_device_of_another_is_not_removed(client, two) -> None:
    ann, bob = two
    device = register(ann).get_json()["id"]
    assert bob.delete(f"{bob.path}/devices/{device}").status_code == 404
    assert devices(ann) == [device]


def test_the_oldest_of_too_many_devices_is_dropped(client, two) -> None:
    ann, bob = two
    register(bob, "of-bob")
    made = [register(ann, f"t{number}").get_json()["id"] for number in range(20)]
    register(ann, "t0")  # refreshed: now the youngest
    newest = register(ann, "t20").get_json()["id"]
    assert devices(ann) == [newest, made[0], *reversed(made[2:])]
    assert len(devices(bob)) == 1


def tokens(person) -> list[dict[str, object]]:
    return person.get(f"{person.path}/tokens").get_json()["items"]


def test_a_second_token_works_is_listed_without_its_value_and_is_revoked_at_once(two) -> None:
    ann, _ = two
    made = ann.post(f"{ann.path}/tokens", json={"name": " tablet "})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    value = made.get_json()["token"]
    tablet = replace(ann, token=value)
    assert value != ann.token
    listed = tablet.get(f"{ann.path}/tokens")
    assert [(each["name"], each["isCurrent"]) for each in listed.get_json()["items"]] == [
        ("tablet", True),
        (None, False),
    ]
    assert value not in listed.text
    assert ann.token not in listed.text
    assert ann.delete(made.headers["Location"]).status_code == 204
    assert tablet.get(ann.path).status_code == 401
    assert ann.get(ann.path).status_code == 200
    assert ann.delete(made.headers["Location"]).status_code == 404


@pytest.mark.usefixtures("long_queue")
def test_a_user_has_at_most_twenty_tokens_even_if_asked_for_at_once(two, counts) -> None:
    ann, _ = two
    before = counts()["user_tokens"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ann.post(f"{ann.path}/tokens", json={}), range(24)))
    assert sorted(answer.status_code for answer in answers) == [201] * 19 + [409] * 5
    assert counts()["user_tokens"] == before + 19
    refused = next(answer.get_json() for answer in answers if answer.status_code == 409)
    assert f"DELETE {ann.path}/tokens/" in refused["detail"]


@pytest.mark.usefixtures("long_queue")
def test_devices_registered_at_once_are_at_most_twenty(two) -> None:
    ann, _ = two
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: register(ann, f"at-once-{number}"), range(30)))
    assert len(devices(ann)) == 20


def test_an_erased_user_leaves_nothing_behind(client, two, counts, database) -> None:
    ann, bob = two
    eve = join(client.application, "Eve")
    for person in two:
        person.register(f"of-{person.id}")
    ann.send(bob, "k1", message="m")
    bob.send(ann, "k2", message="m")
    eve.send(ann, "k3", message="let me in")
    bob.send(bob, message="to myself")
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO firebase_users VALUES ('uid', :id)"), {"id": ann.id})
    assert ann.delete(ann.path).status_code == 204
    assert counts() == {
        "users": 2, "notifications": 1, "user_devices": 1, "idempotency_keys": 0, "user_tokens": 2,
        "firebase_users": 0, "consents": 0, "usage": counts()["usage"],
    }  # fmt: skip
    with database.transaction() as connection:
        subjects = connection.execute(text("SELECT DISTINCT subject FROM usage")).scalars().all()
    assert str(ann.id) not in subjects
    assert ann.get(ann.path).status_code == 401
    assert bob.send(ann, message="m").status_code == 404


def test_the_name_of_an_erased_user_is_free_and_its_new_bearer_a_stranger(client, two) -> None:
    ann, bob = two
    ann.delete(ann.path)
    again = join(client.application, "ann")
    assert again.id != ann.id
    assert again.send(bob, message="m").status_code == 202


def test_many_messages_are_erased_in_batches(two, counts, database, monkeypatch) -> None:
    ann, bob = two
    monkeypatch.setattr(users, "_BATCH", 3)
    for _ in range(4):
        ann.send(bob, message="m")
        bob.send(ann, message="m")
    assert ann.delete(ann.path).status_code == 204
    assert counts()["notifications"] == 0


def test_an_erasure_that_takes_too_long_goes_on_when_it_is_repeated(two, counts, monkeypatch) -> None:
    ann, bob = two
    ann.send(bob, message="m")
    with monkeypatch.context() as patch:
        patch.setattr(users, "_ERASE_SECONDS", -1.0)
        refused = ann.delete(ann.path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert ann.delete(ann.path).status_code == 204
    assert counts()["users"] == 1
