"""A grant covers what a person would expect, and ends where a person would expect it to end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.tenancy.patterns import begins, canonical_image, covers, lies_in

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
LABEL = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        (f"{ARN}team-a/*", f"{ARN}team-a/key-AbCdEf", True),
        (f"{ARN}team-a/*", f"{ARN}team-a/deep/key-AbCdEf", True),
        (f"{ARN}team-a/*", f"{ARN}team-ab/key-AbCdEf", False),
        (f"{ARN}team-a/*", f"{ARN}team-a/", False),
        (f"{ARN}team-a/key-*", f"{ARN}team-a/key-AbCdEf", True),
        (f"{ARN}team-a/key-*", f"{ARN}team-a/key-x/other-AbCdEf", False),
        (f"{ARN}team-a/*/key-*", f"{ARN}team-a/prod/key-AbCdEf", True),
        (f"{ARN}team-a/*/key-*", f"{ARN}team-a/prod/x/key-AbCdEf", False),
        (f"{ARN}team-a/key-AbCdEf", f"{ARN}team-a/key-AbCdEf", True),
        (f"{ARN}team-a/key-AbCdEf", f"{ARN}team-a/key-AbCdEfg", False),
        # A * for the region stays in its field, and a dot is a dot.
        ("arn:aws:secretsmanager:*:123456789012:secret:a/*", f"{ARN}a/key-AbCdEf", True),
        ("arn:aws:secretsmanager:*:123456789012:secret:a/*", f"{ARN}x:999999999999:secret:a/k-AbCdEf", False),
        ("ghcr.io/team-a/*", "ghcrXio/team-a/app", False),
        ("ghcr.io/team-a/*", "ghcr.io/team-a/app", True),
        ("ghcr.io/team-a/*", "ghcr.io/team-a", False),
        ("ghcr.io/team-a/app", "evil.example/ghcr.io/team-a/app", False),
        ("team-a-*", "team-a-db-before", True),
        ("team-a-*", "team-ab-db", False),
        ("team-a-*", "rds:team-a-db-2026", False),
    ],
)
def test_stars(pattern: str, name: str, covered: bool) -> None:
    assert covers(pattern, name) is covered


@pytest.mark.parametrize(
    ("domain", "name", "inside"),
    [
        ("example.com", "example.com", True),
        ("example.com", "app.example.com", True),
        ("example.com", "badexample.com", False),
        ("*.example.com", "app.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("app.example.com", "example.com", False),
        ("example.com", "example.com.evil.net", False),
    ],
)
def test_domains_end_at_dots(domain: str, name: str, inside: bool) -> None:
    assert lies_in(domain, name) is inside


@given(st.lists(LABEL, min_size=1, max_size=3), LABEL, LABEL)
def test_no_domain_covers_a_name_that_only_ends_like_it(labels: list[str], top: str, glued: str) -> None:
    domain = ".".join([*labels, top])
    assert lies_in(domain, f"{glued}.{domain}")
    assert not lies_in(domain, glued + domain)
    assert not lies_in(f"*.{domain}", glued + domain)
    assert not lies_in(domain, f"{domain}.not-{glued}")


@given(LABEL, LABEL)
def test_no_prefix_covers_a_name_that_only_begins_like_it(prefix: str, more: str) -> None:
    assert begins(prefix, prefix)
    assert begins(prefix, f"{prefix}-{more}")
    assert not begins(prefix, prefix + more)
    assert begins(f"{prefix}-", f"{prefix}-{more}")
    assert not begins(f"{prefix}-", prefix + more)


@given(LABEL, LABEL, LABEL)
def test_no_folder_covers_its_neighbour(folder: str, more: str, key: str) -> None:
    assert covers(f"{ARN}{folder}/*", f"{ARN}{folder}/{key}-AbCdEf")
    assert not covers(f"{ARN}{folder}/*", f"{ARN}{folder}{more}/{key}-AbCdEf")
    assert not covers(f"{ARN}{folder}-*", f"{ARN}{folder}{more}-AbCdEf")


@pytest.mark.parametrize(
    ("given_", "whole"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("team/app", "docker.io/team/app"),
        ("index.docker.io/team/app", "docker.io/team/app"),
        ("GHCR.io/team/app", "ghcr.io/team/app"),
        ("localhost:5000/app", "localhost:5000/app"),
        ("docker.io/*", "docker.io/*"),
    ],
)
def test_images_have_one_name(given_: str, whole: str) -> None:
    assert canonical_image(given_) == whole
