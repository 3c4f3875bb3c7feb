"""Fetch the project's one installer, uv, as pinned in requirements-uv.lock, and configure where it gets packages.

Any pip can fetch it, and does nothing else: neither its version nor that of setuptools matters. A Python without pip
gets one from `ensurepip`. Index, proxy and certificates come from pip's configuration, where companies set their
mirrors. Of uv's own variables only those for the same settings are kept.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements-uv.lock"
#: The interpreter that a virtual environment is based on, if this is one: this one may be about to be replaced.
PYTHON = getattr(sys, "_base_executable", None) or sys.executable
#: pip's settings for where packages come from → uv's variable for the same, and its separator.
_FROM_PIP = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", ""),
    "timeout": ("UV_HTTP_TIMEOUT", ""),
    "cert": ("SSL_CERT_FILE", ""),
    "client-cert": ("SSL_CLIENT_CERT", ""),
    "proxy": ("ALL_PROXY", ""),
}
#: The sections of pip's configuration, in order of increasing precedence.
_RANK = {"global": 0, "install": 1, ":env:": 2}
_INDEXES = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX")
_KEPT = (*_INDEXES, "UV_HTTP_", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_LINK_MODE", "UV_SYSTEM_CERTS")
_PIP_KEPT = {f"PIP_{name.upper().replace('-', '_')}" for name in (*_FROM_PIP, "config-file", "no-index", "retries")}
_NO_PIP = "has neither pip nor ensurepip: install one (on Debian and Ubuntu: apt-get install python3-venv)"


class SetupError(Exception):
    """Something cannot be installed. The message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Uv:
    """The installer and the environment in which it runs."""

    program: Path
    environ: Mapping[str, str]
    #: For commands that search for packages.
    index_options: tuple[str, ...] = ()

    def run(self, *arguments: str) -> None:
        """Run uv. Raises SetupError."""
        run([str(self.program), *arguments, "--quiet", "--no-config"], self.environ)


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the project's cache, which also holds the local control plane."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "missyou"


def bring(cache: Path) -> Uv:
    """Return uv, from the cache or an index. Raises SetupError, or OSError if the cache is not writable."""
    cache.mkdir(parents=True, exist_ok=True)
    pip, listing = a_pip(cache)
    folder = cache / f"uv-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-{sysconfig.get_platform()}"
    if not (folder / "bin" / "uv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with made_whole(folder) as made:
            install = ["install", "--quiet", "--no-cache-dir", "--require-hashes", "--only-binary=:all:", "--no-deps"]
            run([*pip, *install, "--target", str(made), "--requirement", str(LOCK)], _pip_environ(os.environ))
    configured = settings(listing)
    environ = uv_environ(os.environ, configured) | {"UV_CACHE_DIR": str(cache / "uv")}
    no_index = configured.get("no-index", ["false"])[0].lower() in ("1", "true", "yes", "on")
    return Uv(folder / "bin" / "uv", environ, ("--no-index",) if no_index else ())


def a_pip(cache: Path) -> tuple[list[str], str]:
    """Return the command of a pip and its settings: this Python's pip, or else one from ensurepip."""
    pip = [PYTHON, "-m", "pip"]
    if (listing := _settings_of(pip)) is not None:
        return pip, listing
    folder = cache / f"pip-{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}"
    pip = [str(folder / "bin" / "python"), "-m", "pip"]
    if (listing := _settings_of(pip)) is not None:
        return pip, listing
    shutil.rmtree(folder, ignore_errors=True)
    with made_whole(folder) as made:
        done = subprocess.run([PYTHON, "-m", "venv", str(made)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(f"{PYTHON} {_NO_PIP}")
    return pip, _settings_of(pip) or ""


def _settings_of(pip: Sequence[str]) -> str | None:
    try:
        done = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


@contextlib.contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Create a folder atomically: it exists completely or not at all, whoever else creates it at the same time."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        made = Path(scratch) / "made"
        yield made
        try:
            made.rename(folder)
        except OSError:
            # Another process was faster; its folder is as good.
            if not folder.exists():
                raise


def settings(listing: str) -> dict[str, list[str]]:
    """Return the values of `pip config list`. Variables override [install], which overrides [global]."""
    found: dict[str, list[str]] = {}
    lines = re.findall(r"^(global|install|:env:)\.(\S+?)=(.*)$", listing, re.MULTILINE)
    for _, name, value in sorted(lines, key=lambda line: _RANK[line[0]]):
        found[name] = str(ast.literal_eval(value)).split()
    return found


def uv_environ(environ: Mapping[str, str], pip: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the environment for uv: those of its variables that are kept, plus pip's settings."""
    given = {name: value for name, value in environ.items() if not name.startswith("UV_") or name.startswith(_KEPT)}
    own_index = any(name.startswith(_INDEXES) for name in given)
    # Like pip, uv takes a package from whichever index has it; the hash proves that it is the right one.
    added = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PYTHON_DOWNLOADS": "never"}
    for name, (variable, separator) in _FROM_PIP.items():
        values = [
            value for value in pip.get(name, ()) if name != "find-links" or "://" in value or Path(value).exists()
        ]
        if values and not (own_index and variable.startswith(_INDEXES)):
            added[variable] = separator.join(values)
    if {"HTTPS_PROXY", "https_proxy"} & given.keys():
        added.pop("ALL_PROXY", None)
    # As pip does since 24.2: a company's own authority is in the system's trust store.
    known = ssl.get_default_verify_paths()
    if sys.platform == "darwin" or known.cafile or (known.capath and any(Path(known.capath).iterdir())):
        added["UV_SYSTEM_CERTS"] = "true"
    return added | given


def _pip_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip, without variables that would redirect its installation."""
    kept = {name: value for name, value in environ.items() if not name.startswith("PIP_") or name in _PIP_KEPT}
    return kept | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_INPUT": "1"}


def run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command; on a terminal, show the elapsed seconds. Raises SetupError with the gist of its output."""
    moving, began = sys.stderr.isatty(), time.monotonic()
    with tempfile.TemporaryFile() as out:
        running = subprocess.Popen(command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        while True:
            try:
                running.wait(1)
            except subprocess.TimeoutExpired:
                if moving:
                    sys.stderr.write(f"\r… {time.monotonic() - began:.0f} s ")
                    sys.stderr.flush()
                continue
            break
        if moving:
            sys.stderr.write("\r\x1b[K")
        out.seek(0)
        if running.returncode:
            raise SetupError(gist(out.read().decode(errors="replace")))


def gist(text: str) -> str:
    """Return the output of a failed pip or uv in one line: what failed, and the innermost cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    causes = [line for line in lines if re.match(r"(caused by|cause):", line, re.IGNORECASE)]
    broken = [line for line in lines if "connection broken by" in line or "Request failed after" in line]
    words = [*errors[:1], *causes[-1:]] or lines[-1:] or ["it failed without output"]
    if broken:
        words.append("the index cannot be reached: check the network, or configure a proxy or mirror for pip")
    return "; ".join(words)
