"""The secret key's file: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_or_make_secret_key(path: Path, *, make: bool = True) -> str:
    """Return the key in ``path``; where there is none, write a random one first.

    Processes that start at the same moment agree: the file is written whole
    under another name (mode 0600) and linked into place, which only one can.
    With ``make`` off a missing file raises ImproperlyConfigured: in production
    the folder may be each process' own, and end with it.
    """
    if not path.exists():
        if not make:
            raise ImproperlyConfigured(
                f"SECRET_KEY: is not set, with AUTOVI_HTTPS on and no {path}; expected the site's "
                "own secret of 50 characters or more, the same in all its processes"
            )
        partial = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return path.read_text().strip()
