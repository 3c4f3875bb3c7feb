"""Write the locks: what the three pyproject.toml require, with hashes, for all supported Pythons.

python tools/lock.py                   keeps locked versions that the metadata still allows
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
#: Lock → its sources. The first has everything; the others take their versions from it.
_SOURCES = {
    "development": (_OPERATOR, _LOCAL, _BACKEND, "--extra=dev"),
    "demo": (_OPERATOR, _LOCAL, _BACKEND),
    "operator": (_OPERATOR,),
    "backend": (_BACKEND,),
}
#: These keep hosts and paths of this machine out of the locks.
_OPTIONS = ("--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links")
#: Required only on Windows or in a browser, where nothing of ours runs. An SBOM would list them as shipped.
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
                # uv prefers the versions that are already in a lock.
                lock.write_text(everything.read_text())
            # In development something needs tzdata everywhere.
            more = upgrade if lock == everything else ["--no-emit-package=tzdata"]
            installer.run(*compile_, *sources, *more, *_ELSEWHERE, f"--output-file={lock.relative_to(ROOT)}")
        with tempfile.NamedTemporaryFile("w", suffix=".in") as requirements:
            # Install with the uv release that builds our own packages.
            requirements.write(metadata["build-system"]["requires"][0].replace("uv_build", "uv"))
            requirements.flush()
            more = upgrade if "--upgrade" in arguments or "uv" in arguments else ()
            output = f"--output-file={uv.LOCK.relative_to(ROOT)}"
            installer.run(*compile_, requirements.name, *more, "--no-annotate", output)
    except uv.SetupError as error:
        sys.stderr.write(f"lock: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
