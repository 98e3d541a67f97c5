"""Random generators named by what they are for, so that the order of work never matters."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(*purpose: object) -> np.random.Generator:
    """A PCG64 generator that depends on the printed form of `purpose` alone."""
    digest = hashlib.sha256("/".join(map(str, purpose)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
