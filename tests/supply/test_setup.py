"""What is installed depends on the locks, and on nothing else: not on the pip, the Python or the index of the day."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import installer, setup_venv, uv

ROOT = installer.ROOT
#: The pip that came with Python 3.11.0, from which on Python 3.11 has ever been set up.
OLDEST_PIP = "pip==22.3 --hash=sha256:1daab4b8d3b97d1d763caeb01a4640a2250a0ea899e257b1e44b9eded91e15ab"
CACHE = uv.cache_folder()


@pytest.fixture
def cache(tmp_path) -> Path:
    """A cache that has the packages, as far as the machine's has them, but not uv."""
    (tmp_path / "cache/missyou").mkdir(parents=True)
    (CACHE / "uv").mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache/missyou/uv").symlink_to(CACHE / "uv")
    return tmp_path / "cache"


def set_up(
    group: str, venv: Path, cache: Path, python: str = uv.PYTHON, **variables: str
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environ |= {"XDG_CACHE_HOME": str(cache), **variables}
    command = [python, str(ROOT / "tools/setup_venv.py"), group, str(venv)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def versions(venv: Path) -> dict[str, str]:
    names = [
        path.name.removesuffix(".dist-info").partition("-") for path in venv.glob("lib/*/site-packages/*.dist-info")
    ]
    return {name.replace("_", "-").lower(): version for name, _, version in names}


def locked(group: str, name: str) -> str:
    [line] = [line for line in installer.GROUPS[group].lock.read_text().splitlines() if line.startswith(f"{name}==")]
    return line.removeprefix(f"{name}==").split()[0]


def pip_folder(folder: Path, requirement: str) -> Path:
    """A folder with one pip, which goes before any other on PYTHONPATH."""
    (folder / "pip.lock").write_text(requirement)
    brought = uv.bring(CACHE)
    brought.run(
        "pip",
        "install",
        "--require-hashes",
        "--no-deps",
        f"--python={sys.executable}",
        f"--target={folder}",
        f"--requirement={folder / 'pip.lock'}",
    )
    return folder


@pytest.mark.parametrize("which", ["the oldest", "today's"])
def test_any_pip_will_do(which, tmp_path, cache) -> None:
    if which == "the oldest":
        requirement = OLDEST_PIP
    else:
        entries = installer.GROUPS["development"].lock.read_text().replace("\\\n", "").splitlines()
        [requirement] = [line for line in entries if line.startswith("pip==")]
    pip = pip_folder(tmp_path, requirement)
    told = subprocess.run(
        [uv.PYTHON, "-m", "pip", "--version"], env={"PYTHONPATH": str(pip)}, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(f"pip {requirement.split()[0].removeprefix('pip==')} ")
    done = set_up("backend", tmp_path / "venv", cache, PYTHONPATH=str(pip))
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "venv")["google-auth"] == locked("backend", "google-auth")
    assert list(cache.glob("missyou/uv-*/bin/uv"))


@pytest.mark.parametrize("minor", setup_venv.supported())
def test_every_supported_python_will_do(minor, tmp_path, cache) -> None:
    homes = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"]
    found = [str(path) for home in homes for path in sorted(home.glob(f"3.{minor}.*/bin/python"))]
    python = setup_venv.installed([minor]) or (found[-1] if found else None)
    if python is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    venv = tmp_path / "it's a folder with blänks"
    done = set_up("demo", venv, cache, python)
    assert done.returncode == 0, done.stderr
    [program] = cache.glob("missyou/uv-*/bin/uv")
    # Complete and consistent, by the metadata of what is installed.
    checked = subprocess.run([program, "pip", "check", f"--python={venv}"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    told = subprocess.run(
        [venv / "bin/missyou", "--help"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert [path.name for path in venv.glob("lib/*")] == [f"python3.{minor}"]


def wheel(folder: Path, name: str, version: str) -> None:
    """A release of a package that nobody has looked at."""
    stem = f"{name}-{version}"
    files = {
        f"{name}/__init__.py": "raise SystemExit('never looked at')\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in files.items()
    }
    record = "".join(f"{path},sha256={digest},{len(files[path])}\n" for path, digest in digests.items())
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{stem}.dist-info/RECORD": record}).items():
            archive.writestr(path, text)


def test_an_index_that_knows_newer_releases_changes_nothing(tmp_path) -> None:
    """Nor one that has something else under the version that is locked. Nothing is in the cache."""
    wheel(tmp_path / "wheels", "kopf", "1.99")
    wheel(tmp_path / "wheels", "iso8601", locked("operator", "iso8601"))
    index, cache = {"PIP_FIND_LINKS": str(tmp_path / "wheels")}, tmp_path / "cache"
    done = set_up("operator", tmp_path / "venv", cache, **index)
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "venv")["kopf"] == locked("operator", "kopf")
    used = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", "import kopf, iso8601"], capture_output=True, text=True, check=False
    )
    assert used.returncode == 0, used.stderr
    # Without the lock, both would have been taken.
    environ = uv.uv_environ(os.environ, {"find-links": [str(tmp_path / "wheels")]}) | {
        "UV_CACHE_DIR": str(cache / "missyou/uv")
    }
    [program] = cache.glob("missyou/uv-*/bin/uv")
    (tmp_path / "asked").write_text(f"kopf\niso8601=={locked('operator', 'iso8601')}\n")
    uv.Uv(program, environ).run("pip", "sync", "--reinstall", f"--python={tmp_path / 'venv'}", str(tmp_path / "asked"))
    assert versions(tmp_path / "venv")["kopf"] == "1.99"


def test_a_file_that_is_not_what_was_locked_is_not_installed(tmp_path, monkeypatch) -> None:
    wheel(tmp_path / "wheels", "kopf", "1.99")
    (tmp_path / "some.lock").write_text(f"kopf==1.99 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    with pytest.raises(uv.SetupError, match=r"(?i)hash mismatch"):
        installer.install(installer.Group(tmp_path / "some.lock"), tmp_path / "venv", anew=True)
    assert "kopf" not in versions(tmp_path / "venv")


def test_it_is_done_once_and_again_when_something_has_changed(tmp_path, monkeypatch, capsys) -> None:
    for name, package in (("demo", "iso8601"), ("development", "six")):
        entries = re.split(r"\n(?=[A-Za-z0-9])", installer.GROUPS["development"].lock.read_text())
        (tmp_path / name).write_text(next(entry for entry in entries if entry.startswith(f"{package}==")))
    monkeypatch.setattr(
        installer, "GROUPS", {name: installer.Group(tmp_path / name) for name in ("demo", "development")}
    )

    def works(name: str, venv: Path) -> bool:
        installer.set_up(name, venv)
        return "setting up" in capsys.readouterr().err

    venv = tmp_path / "venv"
    assert [works("demo", venv), works("demo", venv), works("development", venv)] == [True, False, True]
    assert versions(venv).keys() == {"six"}
    # All that the demo needs is in there.
    assert not works("demo", venv)
    with (tmp_path / "development").open("a") as lock:
        lock.write("# changed")
    assert works("demo", venv)
    moved = venv.rename(tmp_path / "elsewhere")
    assert [works("development", moved), works("development", moved)] == [True, False]
    (moved / "bin/python").unlink()
    assert [works("development", moved), works("development", moved)] == [True, False]


def test_the_demo_leaves_what_development_needs() -> None:
    assert installer.serving("demo", {"group": "development"}) == "development"
    assert installer.serving("demo", {"group": "demo"}) == "demo"
    assert installer.serving("development", {"group": "demo"}) == "development"


def python_that(folder: Path, *lacks: str) -> str:
    """A Python without these modules."""
    text = "".join(f'[ "$2" = {module} ] && exit 1\n' for module in lacks)
    (folder / "python").write_text(f'#!/bin/sh\n{text}exec "{uv.PYTHON}" "$@"\n')
    (folder / "python").chmod(0o755)
    return str(folder / "python")


def test_a_python_without_pip_gets_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(uv, "PYTHON", python_that(tmp_path, "pip"))
    pip, listing = uv.a_pip(tmp_path)
    assert subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True).stdout == listing
    assert uv.a_pip(tmp_path) == (pip, listing)


def test_a_python_without_either_is_told_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(uv, "PYTHON", python_that(tmp_path, "pip", "venv"))
    with pytest.raises(uv.SetupError, match="apt-get install python3-venv"):
        uv.bring(tmp_path / "cache")


def test_two_that_make_the_same_folder_both_get_it(tmp_path) -> None:
    for_both = tmp_path / "uv-1"
    with uv.made_whole(for_both) as slower:
        with uv.made_whole(for_both) as faster:
            faster.mkdir()
            (faster / "first").touch()
        slower.mkdir()
        (slower / "second").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["uv-1"]
    assert (for_both / "first").exists()


@pytest.mark.parametrize(
    "variables", [{"XDG_CACHE_HOME": "/proc/nowhere"}, {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": ""}]
)
def test_a_cache_that_cannot_be_written_is_said_in_a_line(tmp_path, variables) -> None:
    done = set_up("operator", tmp_path / "venv", tmp_path, **variables)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "set XDG_CACHE_HOME" in line] == done.stderr.splitlines()[-1:]


LISTING = """\
:env:.find-links='/nowhere /usr'
global.index-url='https://global.example/simple'
global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'
install.index-url='https://install.example/simple'
global.trusted-host='one.example'
global.proxy='http://proxy.example:3128'
"""


def test_uv_looks_where_pip_would() -> None:
    environ = uv.uv_environ({"PATH": "/bin"}, uv.settings(LISTING))
    assert environ["UV_DEFAULT_INDEX"] == "https://install.example/simple"
    assert environ["UV_INDEX"] == "https://one.example https://two.example"
    assert environ["UV_FIND_LINKS"] == "/usr"
    assert environ["UV_INSECURE_HOST"] == "one.example"
    assert environ["ALL_PROXY"] == "http://proxy.example:3128"


def test_uv_looks_where_it_is_told_to_itself() -> None:
    given = {
        "UV_DEFAULT_INDEX": "https://mine.example",
        "SSL_CERT_FILE": "/mine.pem",
        "HTTPS_PROXY": "http://mine.example",
    }
    environ = uv.uv_environ(given, uv.settings(LISTING + "global.cert='/other.pem'\n"))
    assert environ["UV_DEFAULT_INDEX"] == "https://mine.example"
    assert environ["SSL_CERT_FILE"] == "/mine.pem"
    assert {"UV_INDEX", "UV_FIND_LINKS", "ALL_PROXY"} & environ.keys() == set()


@pytest.mark.parametrize(
    "name", ["UV_NO_VERIFY_HASHES", "UV_OVERRIDE", "UV_CONFIG_FILE", "UV_PYTHON", "UV_PRERELEASE", "UV_TARGET"]
)
def test_no_variable_changes_what_is_installed(name) -> None:
    assert name not in uv.uv_environ({name: "1"}, {})


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        ("WARNING: x\nERROR: No such thing\n", "ERROR: No such thing"),
        ("error: it fails\n  Caused by: outer\n  Caused by: inner\n", "error: it fails; Caused by: inner"),
        ("", "it failed without output"),
        ("WARNING: Retrying after connection broken by 'X'\nERROR: none\n", "ERROR: none; the index cannot be reached"),
    ],
)
def test_what_went_wrong_fits_into_a_line(said, gist) -> None:
    assert uv.gist(said).startswith(gist)
    assert "\n" not in uv.gist(said)
