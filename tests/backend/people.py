"""Users of the API in tests: each holds a token and sends it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from missyou_backend.database import Database
from missyou_backend.limits import NAMES, Limits

#: Limits that no test reaches by accident.
UNLIMITED = replace(Limits(), **{name: replace(getattr(Limits(), name), count=1_000_000) for name in NAMES})


def limited(**counts: int) -> Limits:
    """Return limits with these counts, and none that matter otherwise."""
    changed = {name: replace(getattr(UNLIMITED, name), count=count) for name, count in counts.items()}
    return replace(UNLIMITED, **changed)


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a token. May be used by several threads."""

    app: Flask
    id: int
    token: str = field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/users/{self.id}"

    def open(self, method: str, path: str, headers: dict[str, str] | None = None, **rest: Any) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.app.test_client().open(path, method=method, headers=sent, **rest)

    def get(self, path: str, **rest: Any) -> TestResponse:
        return self.open("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> TestResponse:
        return self.open("POST", path, **rest)

    def put(self, path: str, **rest: Any) -> TestResponse:
        return self.open("PUT", path, **rest)

    def delete(self, path: str, **rest: Any) -> TestResponse:
        return self.open("DELETE", path, **rest)

    def send(self, to: Person, key: str | None = None, **body: object) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        return self.post("/v1/notifications", json={"targetId": to.id, **body}, headers=headers)

    def received(self, **query: object) -> Any:
        return self.get(f"{self.path}/notifications", query_string=query).get_json()

    def decide(self, about: Person, state: str) -> TestResponse:
        return self.put(f"{self.path}/consents/{about.id}", json={"state": state})

    def register(self, *tokens: str) -> None:
        for token in tokens:
            assert self.post(f"{self.path}/devices", json={"token": token, "platform": "android"}).status_code < 300


def join(app: Flask, name: str) -> Person:
    """Sign up."""
    made = app.test_client().post("/v1/users", json={"username": name})
    assert made.status_code == 201, made.text
    return Person(app, made.get_json()["id"], made.get_json()["token"])


def befriend(database: Database, one: Person, other: Person) -> None:
    """Let two accept each other's messages, as if one had asked and the other had accepted long ago."""
    with database.transaction() as connection:
        for target, source in ((one, other), (other, one)):
            connection.execute(
                text("INSERT INTO consents (target_id, source_id, state) VALUES (:target, :source, 'accepted')"),
                {"target": target.id, "source": source.id},
            )
