"""Environment variables: what is accepted, and one line without the value for what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from missyou_backend.database_url import RDS_CA_BUNDLE, connection_parameters
from missyou_backend.limits import NAMES, Limits
from missyou_backend.settings import SettingsError, read_settings

URL = "postgresql://me:hunter2@db.example:5433/love?sslmode=require"


def test_defaults() -> None:
    settings = read_settings({"DATABASE_URL": URL})
    assert (settings.host, settings.port, settings.debug) == ("0.0.0.0", 8000, False)
    assert (settings.request_seconds, settings.limits) == (10, Limits())
    assert settings.google_api_key is settings.firebase_certificates_url is None
    assert settings.firebase_service_account_key is None


def test_all_of_it_is_read() -> None:
    settings = read_settings(
        {
            "DATABASE_URL": URL,
            "GOOGLE_API_KEY": "g",
            "FIREBASE_SERVICE_ACCOUNT_KEY": "f",
            "PORT": "81",
            "DEBUG": "True",
            "HOST": "::1",
        }
    )
    assert (settings.google_api_key, settings.firebase_service_account_key) == ("g", "f")
    assert (settings.host, settings.port, settings.debug) == ("::1", 81, True)


def test_each_limit_has_a_variable() -> None:
    limits = read_settings({"DATABASE_URL": URL, "LIMIT_AI": "0", "LIMIT_SIGNUPS_ADDRESS": "7"}).limits
    assert (limits.ai.count, limits.signups_address.count, limits.sends) == (0, 7, Limits().sends)


def test_the_readme_has_each_limit_with_its_default() -> None:
    readme = (Path(__file__).parents[2] / "backend" / "README.md").read_text()
    rows = re.findall(r"^\| `(LIMIT_\w+)` \| ([\d,]+) in an? (hour|day) \|", readme, re.MULTILINE)
    limits = [getattr(Limits(), name) for name in NAMES]
    spans = {3600: "hour", 86400: "day"}
    assert rows == [(f"LIMIT_{each.name.upper()}", f"{each.count:,}", spans[each.seconds]) for each in limits]


def test_an_empty_optional_variable_is_one_that_is_not_set() -> None:
    empty = {"GOOGLE_API_KEY": " ", "FIREBASE_SERVICE_ACCOUNT_KEY": " \n", "PORT": "", "DEBUG": "", "HOST": ""}
    settings = read_settings({"DATABASE_URL": URL, **empty})
    assert (settings.google_api_key, settings.firebase_service_account_key) == (None, None)
    assert (settings.port, settings.debug, settings.host) == (8000, False, "0.0.0.0")


def test_the_repr_holds_no_secret() -> None:
    shown = repr(
        read_settings({"DATABASE_URL": URL, "GOOGLE_API_KEY": "g-key", "FIREBASE_SERVICE_ACCOUNT_KEY": "f-key"})
    )
    assert not any(secret in shown for secret in ("hunter2", "g-key", "f-key"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "  "}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "hunter2"}, "DATABASE_URL is not a URL"),
        ({"DATABASE_URL": "mysql://me:hunter2@db/love"}, "DATABASE_URL begins with mysql://"),
        ({"DATABASE_URL": "postgresql+asyncpg://me:hunter2@db/love"}, "only postgresql:// is supported"),
        ({"DATABASE_URL": "postgresql://me:hunter2%zz@db/love"}, "DATABASE_URL cannot be parsed"),
        ({"DATABASE_URL": "postgresql://me:hunter2@db/love?hunter2=1"}, "DATABASE_URL cannot be parsed"),
        ({"DATABASE_URL": "postgresql://me:hunter2@/love"}, "DATABASE_URL names no host"),
        ({"DATABASE_URL": "postgresql://me:hunter2@db/"}, "DATABASE_URL names no database"),
        ({"DATABASE_URL": "postgresql://me:hunter2@db:hunter2/love"}, "DATABASE_URL has a port"),
        ({"DATABASE_URL": "postgresql://me:hunter2@db:70000/love"}, "DATABASE_URL has a port"),
        ({"DATABASE_URL": URL, "PORT": "hunter2"}, "PORT must be a whole number"),
        ({"DATABASE_URL": URL, "PORT": "0"}, "PORT must be a whole number"),
        ({"DATABASE_URL": URL, "PORT": "65536"}, "PORT must be a whole number"),
        ({"DATABASE_URL": URL, "PORT": "٨٠"}, "PORT must be a whole number"),
        ({"DATABASE_URL": URL, "REQUEST_SECONDS": "hunter2"}, "REQUEST_SECONDS must be a whole number from 1 to 60"),
        ({"DATABASE_URL": URL, "REQUEST_SECONDS": "0"}, "REQUEST_SECONDS must be"),
        ({"DATABASE_URL": URL, "LIMIT_AI": "-1"}, "LIMIT_AI must be a whole number from 0"),
        ({"DATABASE_URL": URL, "LIMIT_SENDS": "hunter2"}, "LIMIT_SENDS must be"),
        ({"DATABASE_URL": URL, "FIREBASE_CERTIFICATES_URL": "http://hunter2.test"}, "must be an https URL"),
        ({"DATABASE_URL": URL, "FIREBASE_CERTIFICATES_URL": "http://127.0.0.1.hunter2.test"}, "must be an https URL"),
        ({"DATABASE_URL": URL, "DEBUG": "hunter2"}, "DEBUG must be true or false"),
    ],
)
def test_what_is_malformed_is_named_and_not_quoted(variables, said) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(variables)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_both_spellings_of_the_scheme_are_taken() -> None:
    for scheme in ("postgres", "postgresql"):
        parameters = connection_parameters(f"{scheme}://me:p%40ss@db.example/love")
        assert (parameters["user"], parameters["password"], parameters["host"]) == ("me", "p@ss", "db.example")


def test_what_the_url_sets_goes_before_our_defaults() -> None:
    parameters = connection_parameters("postgresql://me@db/love?connect_timeout=7&options=-c%20statement_timeout%3D9")
    assert parameters["connect_timeout"] == "7"
    assert parameters["options"].endswith("-c statement_timeout=9")


@pytest.mark.parametrize(
    ("query", "root"),
    [
        ("", None),
        ("?sslmode=require", None),
        ("?sslmode=verify-ca", str(RDS_CA_BUNDLE)),
        ("?sslmode=verify-full", str(RDS_CA_BUNDLE)),
        ("?sslmode=verify-full&sslrootcert=/own.pem", "/own.pem"),
        ("?sslmode=verify-full&sslrootcert=system", "system"),
    ],
)
def test_a_verified_server_is_one_of_rds_unless_the_url_says_otherwise(query, root) -> None:
    assert connection_parameters(f"postgresql://me@db/love{query}").get("sslrootcert") == root
