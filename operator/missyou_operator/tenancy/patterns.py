"""Whether a name is one that a grant covers. Each match ends where a person would expect it to end.

`team-a` never covers `team-ab`, `example.com` never `badexample.com`, and a `*` never crosses into another field of an
ARN (`:`) or, unless a `/` stands before it at the end, into another folder (`/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What Docker puts before an image name that names no registry. Source: distribution/reference, `ParseDockerRef`.
_DEFAULT_REGISTRY, _DEFAULT_FOLDER = "docker.io", "library"
_SYNONYMS = ("index.docker.io", "registry-1.docker.io")


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern with `*` covers a name as a whole."""
    below = pattern.endswith("/*")
    fixed = pattern.removesuffix("*") if below else pattern
    wild = "".join("[^/:]*" if part == "*" else re.escape(part) for part in re.split("([*])", fixed))
    return re.fullmatch(f"{wild}[^:]+" if below else wild, name) is not None


def covers_any(patterns: Iterable[str], name: str) -> bool:
    """Return whether one of the patterns covers a name."""
    return any(covers(pattern, name) for pattern in patterns)


def lies_in(domain: str, name: str) -> bool:
    """Return whether a host name is a domain or lies below it; `*.` before the domain leaves only what lies below."""
    name, domain = name.lower().rstrip("."), domain.lower().rstrip(".")
    if domain.startswith("*."):
        return name.endswith(domain[1:]) and name != domain[2:]
    return f".{name}".endswith(f".{domain}")


def begins(prefix: str, stack: str) -> bool:
    """Return whether a stack's name is a prefix or continues it after a dash."""
    return stack == prefix or stack.startswith(f"{prefix.rstrip('-')}-")


def canonical_image(repository: str) -> str:
    """Return an image name with its registry: `nginx` is `docker.io/library/nginx`."""
    host, slash, path = repository.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = _DEFAULT_REGISTRY, repository
    host = _DEFAULT_REGISTRY if host.lower() in _SYNONYMS else host.lower()
    if host == _DEFAULT_REGISTRY and "/" not in path and path != "*":
        path = f"{_DEFAULT_FOLDER}/{path}"
    return f"{host}/{path}"
