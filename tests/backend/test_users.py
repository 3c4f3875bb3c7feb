"""Users and their devices, over the API."""

from __future__ import annotations

import pytest

TOKEN = "token-1"


def create(client, name: str):
    return client.post("/v1/users", json={"username": name})


def names(client, **query: object) -> list[str]:
    return [user["username"] for user in client.get("/v1/users", query_string=query).get_json()["items"]]


def test_a_user_is_created_and_found_where_the_answer_says(client) -> None:
    made = create(client, "  Zoë 💙 ")
    assert (made.status_code, made.get_json()) == (201, {"id": 1, "username": "Zoë 💙"})
    assert client.get(made.headers["Location"]).get_json() == made.get_json()


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
    ("prefix", "found"),
    [
        ("", ["%ann", "\\ann", "_ann", "Ann", "anna", "ANNB", "ben", "Émile", "💙", "\U0010ffff" * 2]),
        ("AN", ["Ann", "anna", "ANNB"]),
        ("anna", ["anna"]),
        ("%", ["%ann"]),
        ("_", ["_ann"]),
        ("\\", ["\\ann"]),
        ("éM", ["Émile"]),
        ("💙", ["💙"]),
        ("\U0010ffff", ["\U0010ffff" * 2]),
        ("annabel", []),
        ("' OR 1=1 --", []),
    ],
)
def test_users_are_found_by_prefix_in_order(client, prefix, found) -> None:
    for name in ["ben", "ANNB", "anna", "Ann", "_ann", "%ann", "\\ann", "Émile", "💙", "\U0010ffff" * 2]:
        assert create(client, name).status_code == 201
    expected = sorted(found, key=lambda name: name.lower())
    assert names(client, prefix=prefix) == expected


def test_pages_give_everyone_once(client) -> None:
    everyone = sorted(f"{letter}{number}" for letter in "aBc" for number in range(5))
    for name in everyone:
        create(client, name)
    seen, cursor = [], None
    while True:
        query = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = client.get("/v1/users", query_string=query).get_json()
        assert len(page["items"]) <= 4
        seen += [user["username"] for user in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == sorted(everyone, key=str.lower)


def test_a_cursor_of_nobody_is_a_problem(client, two) -> None:
    assert client.get("/v1/users?cursor=9").status_code == 404
    assert client.get("/v1/users?cursor=2").get_json() == {"items": [], "nextCursor": None}


def test_a_cursor_of_another_prefix_finds_none_without_the_prefix(client) -> None:
    for name in ("anna", "apple", "ben", "bill"):
        create(client, name)
    assert names(client, prefix="b", cursor="1") == ["ben", "bill"]
    assert names(client, prefix="a", cursor="3") == []


def test_a_full_last_page_has_no_next(client) -> None:
    for name in "ab":
        create(client, name)
    assert client.get("/v1/users?limit=2").get_json()["nextCursor"] is None


def register(client, user: int, token: str = TOKEN, platform: str = "ios"):
    return client.post(f"/v1/users/{user}/devices", json={"token": token, "platform": platform})


def devices(client, user: int) -> list[int]:
    return [device["id"] for device in client.get(f"/v1/users/{user}/devices").get_json()["items"]]


def test_a_device_is_registered_refreshed_and_removed(client, two) -> None:
    ann, _ = two
    made = register(client, ann)
    assert made.status_code == 201
    device = made.get_json()["id"]
    assert made.headers["Location"] == f"/v1/users/{ann}/devices/{device}"
    again = register(client, ann, platform="web")
    assert (again.status_code, again.get_json()["id"], again.get_json()["platform"]) == (200, device, "web")
    assert again.get_json()["createdAt"] > made.get_json()["createdAt"]
    assert devices(client, ann) == [device]
    assert TOKEN not in client.get(f"/v1/users/{ann}/devices").text
    assert client.delete(f"/v1/users/{ann}/devices/{device}").status_code == 204
    assert client.delete(f"/v1/users/{ann}/devices/{device}").status_code == 404
    assert devices(client, ann) == []


def test_a_token_belongs_to_who_registered_it_last(client, two) -> None:
    ann, bob = two
    register(client, ann)
    assert register(client, bob).status_code == 200
    assert (len(devices(client, ann)), len(devices(client, bob))) == (0, 1)


def test_a_device_of_another_is_not_removed(client, two) -> None:
    ann, bob = two
    device = register(client, ann).get_json()["id"]
    assert client.delete(f"/v1/users/{bob}/devices/{device}").status_code == 404
    assert devices(client, ann) == [device]


def test_the_oldest_of_too_many_devices_is_dropped(client, two) -> None:
    ann, bob = two
    register(client, bob, "of-bob")
    made = [register(client, ann, f"t{number}").get_json()["id"] for number in range(20)]
    register(client, ann, "t0")  # refreshed: now the youngest
    newest = register(client, ann, "t20").get_json()["id"]
    assert devices(client, ann) == [newest, made[0], *reversed(made[2:])]
    assert len(devices(client, bob)) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users/9"),
        ("GET", "/v1/users/9/devices"),
        ("POST", "/v1/users/9/devices"),
        ("DELETE", "/v1/users/9/devices/1"),
        ("GET", "/v1/users/9/notifications"),
        ("POST", "/v1/users/9/notifications/read"),
        ("POST", "/v1/notifications/9/read"),
    ],
)
def test_an_unknown_id_is_a_problem(client, method, path) -> None:
    answer = client.open(path, method=method, json={"token": TOKEN, "platform": "ios"})
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/not-found")
