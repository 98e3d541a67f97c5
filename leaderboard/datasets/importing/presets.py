"""The kinds of datasets that can be imported, and what is known of each beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leaderboard.datasets import autovi
from leaderboard.datasets.importing import layouts
from leaderboard.datasets.models import Labels

OFFICIAL_ANCHORS = frozenset({"train", "test", "ground_truth", layouts.CONFIG})


@dataclass(frozen=True)
class Naming:
    """Under what a dataset version goes, and what is said of it.

    What is left empty (or None) stays as it is where the version is there
    already: an import never undoes what a maintainer set.
    """

    slug: str
    name: str
    version: str
    description: str = ""
    doi: str = ""
    licence: str = ""
    citation: str = ""
    submissions_per_day: int | None = None


@dataclass(frozen=True)
class Preset:
    """How a kind of dataset is read.

    ``anchors`` are the names of which one stands right below a category's
    folder; ``zips`` the SHA-256 of each category's published zip, where all
    of these categories are expected; ``counts`` the published numbers of training
    and test images, which a folder, that has no hash, must have; ``groups`` the
    folders whose means make up the headline, where it is not over all images alike.
    """

    layout: layouts.Layout
    anchors: frozenset[str] = OFFICIAL_ANCHORS
    labels: Labels = Labels.PUBLIC
    naming: Naming | None = None
    zips: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_size: bool = True


AUTOVI = Naming(
    autovi.SLUG,
    autovi.NAME,
    autovi.VERSION,
    autovi.DESCRIPTION,
    autovi.DOI,
    autovi.LICENCE,
    autovi.CITATION,
)
MVTEC_LOCO = Naming(
    "mvtec-loco",
    "MVTec LOCO AD",
    "1.0",
    "Five inspection tasks with structural and logical anomalies.",
    "10.1007/s11263-022-01578-9",
    "CC BY-NC-SA 4.0",
    "MVTec LOCO AD: Bergmann et al., Beyond Dents and Scratches, IJCV 130, 2022. "
    "https://doi.org/10.1007/s11263-022-01578-9",
)
MVTEC_AD = Naming(
    "mvtec-ad",
    "MVTec AD",
    "1.0",
    "Fifteen categories of objects and textures.",
    "10.1007/s11263-020-01400-4",
    "CC BY-NC-SA 4.0",
    "MVTec AD: Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129, 2021. "
    "https://doi.org/10.1007/s11263-020-01400-4",
)
VISA = Naming(
    "visa",
    "VisA",
    "1.0",
    "Twelve objects; the one-class split.",
    "10.1007/978-3-031-20056-4_23",
    "CC BY 4.0",
    "VisA: Zou et al., SPot-the-Difference Self-Supervised Pre-training for Anomaly Detection "
    "and Segmentation, ECCV 2022. https://doi.org/10.1007/978-3-031-20056-4_23",
)

PRESETS: dict[str, Preset] = {
    "autovi": Preset(layouts.official, naming=AUTOVI, zips=autovi.ZIPS, counts=autovi.COUNTS),
    "generic": Preset(layouts.official, labels=Labels.HIDDEN),
    "mvtec_loco": Preset(
        layouts.official_with_validation,
        OFFICIAL_ANCHORS | {"validation"},
        naming=MVTEC_LOCO,
        groups={"logical": ("logical_anomalies",), "structural": ("structural_anomalies",)},
    ),
    "mvtec_ad": Preset(layouts.one_mask_an_image, naming=MVTEC_AD),
    "visa": Preset(layouts.visa, frozenset({"Data"}), naming=VISA, one_size=False),
}
