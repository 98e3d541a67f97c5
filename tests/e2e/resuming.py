"""A program that fetches a file and goes on where it ends: curl, or as much of it as is needed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

# Where there is no curl: as much of `curl -C - -o PATH ADDRESS` as is needed here.
FETCH = """
import os, sys, urllib.request
path, address = sys.argv[-2:]
have = os.path.getsize(path) if os.path.exists(path) else 0
request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
with urllib.request.urlopen(request) as answer, open(path, "ab" if have else "wb") as file:
    assert answer.status == (206 if have else 200)
    while chunk := answer.read(65536):
        file.write(chunk)
        file.flush()
"""


def client(path: Path, address: str, *limit: str) -> list[str]:
    """The command that fetches an address into a file, going on where the file ends."""
    if curl := shutil.which("curl"):
        return [curl, "--silent", "--fail", *limit, "-C", "-", "-o", str(path), address]
    return [sys.executable, "-c", FETCH, str(path), address]
