"""What was read and found sound, and the key under which it is built."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from leaderboard.datasets.importing import opaque, presets
from leaderboard.datasets.importing.checks import Checked
from leaderboard.datasets.importing.presets import Naming, Preset
from leaderboard.datasets.importing.problems import ImportRefused
from leaderboard.datasets.importing.sources import Source
from leaderboard.datasets.models import Labels


@dataclass(frozen=True)
class Found:
    """A dataset that can be brought: ``digest`` is over all its files and their names."""

    naming: Naming
    preset_name: str
    labels: Labels
    checked: tuple[Checked, ...]
    sources: dict[str, str]
    digest: str
    secret_check: str = ""
    """Which secret ordered the opaque ids, where there are any."""

    @property
    def preset(self) -> Preset:
        return presets.PRESETS[self.preset_name]

    @property
    def key(self) -> str:
        """Changes with the content, the labels and the order of ids, and with nothing else."""
        return build_key(self.digest, self.labels, self.secret_check)


def build_key(digest: str, labels: str, secret_check: str) -> str:
    """The key of a pack, which its manifest holds."""
    return hashlib.sha256(f"{digest} {labels} {secret_check}".encode()).hexdigest()[:16]


def find(
    naming: Naming,
    preset_name: str,
    labels: Labels,
    checked: tuple[Checked, ...],
    sources: Sequence[Source],
) -> Found:
    """Put together what was checked; where labels are hidden its ids become opaque.

    Raises ImportRefused where there is no usable secret for the ids, or where
    a category's images differ in what could go with the label.
    """
    lines = sorted(line for one in checked for line in one.lines)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    hashes = hashes_of(sources)
    if labels == Labels.PUBLIC:
        return Found(naming, preset_name, labels, checked, hashes, digest)
    _refuse_mixed_depths(checked)
    secret = opaque.id_secret()
    hidden = tuple(replace(one, truth=opaque.hide(one.truth, secret)) for one in checked)
    # Keyed, so that nobody can try out labels against the digest.
    digest = opaque.keyed(secret, digest)
    return Found(naming, preset_name, labels, hidden, hashes, digest, opaque.fingerprint())


def _refuse_mixed_depths(checked: Sequence[Checked]) -> None:
    mixed = [
        f"{one.name}: has images of 8 and of 16 bits a channel, which could tell labels; "
        "expected one depth where labels are hidden"
        for one in checked
        if len(one.depths) > 1
    ]
    if mixed:
        raise ImportRefused(*mixed)


def hashes_of(sources: Sequence[Source]) -> dict[str, str]:
    """The SHA-256 of the sources that are zips, by name."""
    return {source.path.name: source.sha256 for source in sources if source.sha256}
