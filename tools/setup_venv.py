"""Set up a virtual environment from one of the locks, for `make` and the Dockerfiles.

python tools/setup_venv.py demo|development            .venv in this checkout
python tools/setup_venv.py operator|backend <folder>   an image's environment

This file runs on any Python, so that an unsupported one gets a one-line message. installer.py does the work.
"""

import io
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def supported():
    """Return the supported minor versions of Python 3, from `requires-python` in pyproject.toml."""
    with io.open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as metadata:
        lowest, beyond = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', metadata.read(), re.M).groups()
    return list(range(int(lowest), int(beyond)))


def installed(minors):
    """Return the command of a Python of these minor versions that runs here, or None."""
    for minor in reversed(minors):
        name = "python3.%d" % minor
        try:
            # A pyenv shim also exists for versions that are switched off. Only running it shows which.
            ran = subprocess.Popen([name, "-c", ""], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            ran.communicate()
        except OSError:
            continue
        if ran.returncode == 0:
            return name
    return None


def complaint(version, minors):
    """Return what is wrong with a version of Python, or None if it is supported."""
    if version[0] == 3 and version[1] in minors:
        return None
    names = ["3.%d" % minor for minor in minors]
    other = installed(minors)
    remedy = "make PYTHON=%s" % other if other else "install one of these, then make PYTHON=python%s" % names[-1]
    return "Python %d.%d is not supported, %s and %s are: %s" % (
        version[0],
        version[1],
        ", ".join(names[:-1]),
        names[-1],
        remedy,
    )


if __name__ == "__main__":
    trouble = complaint(sys.version_info, supported())
    if trouble:
        sys.exit("setup: " + trouble)
    sys.path.insert(0, ROOT)
    from tools import installer

    sys.exit(installer.main(sys.argv[1:]))
