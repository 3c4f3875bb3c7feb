"""Writes the locks: what the three pyproject.toml ask for, with hashes, for all supported Pythons.

python tools/lock.py                   keeps the versions that are locked, as far as the metadata allows
python tools/lock.py boto3 moto        takes the newest allowed versions of these
python tools/lock.py --upgrade         takes the newest allowed versions of everything
"""

from __future__ import annotations

import sys
import tempfile
import tomllib

from tools import uv
from tools.installer import GROUPS, ROOT

_OPERATOR, _LOCAL, _BACKEND = "pyproject.toml", "local/pyproject.toml", "backend/pyproject.toml"
#: What each lock is made of. The first has everything; the others take their versions from it.
_SOURCES = {
    "development": (_OPERATOR, _LOCAL, _BACKEND, "--extra=dev"),
    "demo": (_OPERATOR, _LOCAL, _BACKEND),
    "operator": (_OPERATOR,),
    "backend": (_BACKEND,),
}
#: Neither a host nor a path of the machine that locks is recorded.
_OPTIONS = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links")
#: Asked for on Windows or in a browser only, where nothing of ours runs: an SBOM would list them as shipped.
_ELSEWHERE = tuple(f"--no-emit-package={name}" for name in ("colorama", "httpx2-jsfetch", "pywin32"))


def main(arguments: list[str]) -> int:
    """Write all locks."""
    upgrade = arguments if "--upgrade" in arguments else [f"--upgrade-package={name}" for name in arguments]
    metadata = tomllib.loads((ROOT / _OPERATOR).read_text())
    lowest = metadata["project"]["requires-python"].removeprefix(">=").partition(",")[0]
    try:
        installer = uv.bring(uv.cache_folder())
        compile_ = ("pip", "compile", "--universal", f"--python-version={lowest}", f"--python={uv.PYTHON}", *_OPTIONS)
        everything = GROUPS["development"].lock
        for name, sources in _SOURCES.items():
            lock = GROUPS[name].lock
            if lock != everything:
                # What a lock holds already is what uv prefers.
                lock.write_text(everything.read_text())
            # Of what is developed with, something needs it everywhere.
            more = upgrade if lock == everything else ["--no-emit-package=tzdata"]
            installer.run(*compile_, *sources, *more, *_ELSEWHERE, f"--output-file={lock.relative_to(ROOT)}")
        with tempfile.NamedTemporaryFile("w", suffix=".in") as asked:
            # The release that builds our own packages is the one that installs.
            asked.write(metadata["build-system"]["requires"][0].replace("uv_build", "uv"))
            asked.flush()
            more = upgrade if "--upgrade" in arguments or "uv" in arguments else ()
            installer.run(*compile_, asked.name, *more, "--no-annotate", f"--output-file={uv.LOCK.relative_to(ROOT)}")
    except uv.SetupError as error:
        sys.stderr.write(f"lock: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
