"""Puts the project's tool ``uv`` in ``.uv/`` with nothing but Python's own library.

A bare machine has Python, and perhaps neither pip nor venv. The wheel named in the lock below is
taken from the package index (``PIP_INDEX_URL`` or ``UV_DEFAULT_INDEX`` when set, else PyPI) and
checked against its SHA-256 before anything of it is used.
"""

from __future__ import annotations

import hashlib
import html
import io
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

VERSION = "0.13.9"
WHEELS = {
    "x86_64": (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "aarch64": (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
}
ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".uv" / "uv"


def main() -> int:
    """Make ``.uv/uv`` be the right version, or say why it cannot."""
    if version_of(TARGET) == VERSION:
        return 0
    found = shutil.which("uv")
    if found and version_of(Path(found)) == VERSION:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.unlink(missing_ok=True)
        TARGET.symlink_to(found)
        return 0
    try:
        install(checked_wheel())
    except (OSError, LookupError) as problem:
        sys.stderr.write(f"beffroi: {problem}\n")
        return 1
    return 0


def checked_wheel() -> bytes:
    """Return the wheel for this machine, once its digest has been found right.

    Raises:
        LookupError: none is pinned for this machine, or the index has another one.
        OSError: the index does not answer.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in WHEELS:
        raise LookupError(
            f"no uv wheel is pinned for {sys.platform} {machine}; "
            f"install uv {VERSION} yourself and run make again."
        )
    platform_tag, digest = WHEELS[machine]
    try:
        wheel = download(f"uv-{VERSION}-py3-none-{platform_tag}.whl")
    except OSError as problem:
        raise OSError(
            f"uv {VERSION} cannot be fetched from {index_url()}: {problem}. "
            "Check the network, or set PIP_INDEX_URL to your own mirror."
        ) from problem
    if hashlib.sha256(wheel).hexdigest() != digest:
        raise LookupError(f"what {index_url()} gave for uv {VERSION} is not what was expected.")
    return wheel


def index_url() -> str:
    """Return the address of the package index, without a final slash."""
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    return "https://pypi.org/simple"


def download(name: str) -> bytes:
    """Return the octets of a wheel of the index.

    Raises:
        LookupError: the index does not list it.
        OSError: the index does not answer.
    """
    page_url = f"{index_url()}/uv/"
    with urllib.request.urlopen(page_url, timeout=60) as answer:  # noqa: S310 - https, or the administrator's mirror
        page = answer.read().decode()
    for link in re.findall(r'href="([^"]+)"', page):
        address = urllib.parse.urljoin(page_url, html.unescape(link))
        if urllib.parse.urlsplit(address).path.endswith("/" + name):
            with urllib.request.urlopen(address, timeout=120) as answer:  # noqa: S310 - same
                return bytes(answer.read())
    raise LookupError(f"{page_url} lists no {name}")


def install(wheel: bytes) -> None:
    """Write the program of the wheel, whole or not at all."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        program = archive.read(member)
    TARGET.parent.mkdir(exist_ok=True)
    partial = TARGET.with_suffix(".part")
    partial.write_bytes(program)
    partial.chmod(partial.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    partial.replace(TARGET)


def version_of(program: Path) -> str:
    """Return the version a program says it has, or "" when it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - our own file, or the person's own uv
            [str(program), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    words = done.stdout.split()
    return words[1] if len(words) > 1 else ""


if __name__ == "__main__":
    sys.exit(main())
