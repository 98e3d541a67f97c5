"""The table of faults in docs/operating.md: made of what the tests measured."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.faults.catalogue import FAULTS, NOTHING
from tests.faults.site import KINDS, QUICK, Sent, Site
from tests.faults.sound import Account, settled
from tests.stack import ROOT

PAGE = ROOT / "docs/operating.md"
BEGIN, END = "<!-- fault table: begin -->\n", "<!-- fault table: end -->\n"


@dataclass(frozen=True)
class Measured:
    """One fault on one kind of site; `seconds` until the last submission had ended."""

    seconds: float
    account: Account


@dataclass
class Table:
    """What was measured, by fault and kind of site."""

    rows: dict[str, dict[str, list[Measured]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def recovered(
        self,
        key: str,
        kind: str,
        site: Site,
        sent: Iterable[Sent],
        since: float,
        *,
        seen: str = "",
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait for the end of all, measure, and check that all is as if nothing had happened.

        ``seen`` is the page on which the fault is told, unless that is a submission's own in the
        end; ``then`` is what happens before the account.
        """
        sent = list(sent)
        site.settle(sent)
        seconds = time.monotonic() - since
        then()
        account = settled(site, sent)
        self.rows[key][kind].append(Measured(seconds, account))
        print(f"{key}, {kind}: {len(sent)} submissions, recovered in {seconds:.1f} s")
        assert not account.found, account.found
        sees = FAULTS[key].sees
        if sees != NOTHING:
            pages = [seen] if seen else [site.page(one) for one in sent]
            assert any(sees in page for page in pages), sees

    def lines(self) -> list[str]:
        """What was measured, for the terminal."""
        return [
            f"{key}, {kind}: {max(one.seconds for one in measured):.1f} s, "
            f"lost {_count(measured, 'lost')}, doubled {_count(measured, 'doubled')}"
            for key, kinds in self.rows.items()
            for kind, measured in kinds.items()
        ]

    def markdown(self) -> str:
        """The table for people; raises AssertionError where a fault was not tried out."""
        missing = [key for key in FAULTS if key not in self.rows]
        assert not missing, f"not tried out: {', '.join(missing)}"
        head = [
            "fault",
            "what its owner sees",
            *(f"{kind}: s" for kind in KINDS),
            "lost",
            "doubled",
        ]
        lines = [_row(head), _row(["---"] * 2 + ["---:"] * (len(head) - 2))]
        for key, fault in FAULTS.items():
            kinds = self.rows[key]
            everything = [one for measured in kinds.values() for one in measured]
            times = [_seconds(kinds, kind) for kind in KINDS]
            counts = [str(_count(everything, what)) for what in ("lost", "doubled")]
            lines.append(_row([fault.what, _sees(fault.sees), *times, *counts]))
        return _settings() + "\n" + "".join(lines)

    def write(self) -> None:
        """Put the table into the page, between its marks."""
        before, rest = PAGE.read_text().split(BEGIN)
        _, after = rest.split(END)
        PAGE.write_text(f"{before}{BEGIN}{self.markdown()}{END}{after}")


def _settings() -> str:
    told = ", ".join(f"`{name}={value}`" for name, value in QUICK.items())
    return f"Measured with {told}.\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _sees(text: str) -> str:
    return text if text == NOTHING else f"“{text}”"


def _seconds(kinds: dict[str, list[Measured]], kind: str) -> str:
    """The longest time on a kind of site, and on those that have something more or else."""
    parts = set(kind.split(", "))
    found = {
        other: max(one.seconds for one in measured)
        for other, measured in kinds.items()
        if other == kind or (other not in KINDS and other.split(", ")[0] in parts)
    }
    told = [
        f"{seconds:.1f}" + ("" if other == kind else f" ({other.split(', ')[-1]})")
        for other, seconds in found.items()
    ]
    return ", ".join(told) or "–"


def _count(measured: list[Measured], what: str) -> int:
    return sum(len(getattr(one.account, what)) for one in measured)
