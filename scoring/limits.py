"""The bounds put on a stranger's upload, in one place.

The site passes its settings here; the command line uses the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 2**10, 2**20, 2**30
MAX_PROBLEM = 300
"""Characters of a decoder's problem that are shown."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Attributes
    ----------
    members : int
        Entries in the archive, of any kind.
    runs : int
    pixels_factor : int
        A map may have at most this many times the pixels of its image.
    member_slack : int
        Bytes that a member may have beyond 8 bytes a pixel of the largest map allowed.
    spool_bytes : int
        Bytes that a compressed tar may unpack to (it is unpacked to a temporary file).
    name_bytes : int
        Longest member name.
    all_names : int
        Characters that all members' names may have together.
    text_bytes : int
        Longest `submission.json`.
    decode_seconds : float
        Wall-clock and processor time that decoding one map may take.
    decode_memory : int
        Bytes that decoding may take beyond what the empty decoder uses; both are under 500 MB.
        The largest map of an image of 1000x750 pixels needs 96 MiB; more is allowed where images
        are larger.
    """

    members: int = 100_000
    runs: int = 10
    pixels_factor: int = 4
    member_slack: int = 64 * KIB
    spool_bytes: int = 16 * GIB
    name_bytes: int = 1_024
    all_names: int = 8 * MIB
    text_bytes: int = 64 * KIB
    decode_seconds: float = 20.0
    decode_memory: int = 384 * MIB

    def map_pixels(self, image_size: tuple[int, int]) -> int:
        """Most pixels that a map of an image of this (width, height) may have."""
        return self.pixels_factor * image_size[0] * image_size[1]

    def map_bytes(self, image_size: tuple[int, int]) -> int:
        """Most bytes that the file of such a map may have, unpacked."""
        return 8 * self.map_pixels(image_size) + self.member_slack


DEFAULT_LIMITS = Limits()
