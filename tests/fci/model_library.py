"""The shared object that a version 5 client downloads and loads: kinematics from the DH parameters, in C."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("panda_model.c")


class NoCompilerError(RuntimeError):
    """There is no C compiler."""


def build_model_library() -> bytes:
    """Compile ``panda_model.c``.

    Raises:
        NoCompilerError: With what to install.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoCompilerError("the model library of a version 5 arm needs gcc: install build-essential")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "model.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-lm"], check=True)
        return library.read_bytes()
