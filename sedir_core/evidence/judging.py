"""The evidence and rule of a verdict: chosen for a run or for one inspection, with the same names everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from sedir_core.errors import BadConfig
from sedir_core.evidence.channels import NETWORK
from sedir_core.evidence.judge import ASKED, JUDGED
from sedir_core.types import DoubleArray

EvidenceKind = Literal["network", "surface", "all"]
Rule = Literal["paper", "raw", "calibrated"]
EVIDENCE: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True)
class Judging:
    """evidence: the network's residuals, the comparison with the normal surface, or both. rule: how scores are made.

    `paper` [P] and `raw` (the same without min-max) [O] use the network's evidence only.
    """

    evidence: EvidenceKind = "all"
    rule: Rule = "calibrated"

    @property
    def name(self) -> str:
        """Its name in a run's tensors and in results."""
        return f"{self.evidence}.{self.rule}"

    def of(self, standardised: Mapping[str, DoubleArray]) -> dict[str, DoubleArray]:
        """The channels that count, with the output of this evidence's judges, if any.

        Empty if there are none.
        """
        judged = [JUDGED + kind for kind in ASKED if self.evidence in ("all", kind)]
        channels = {name: values for name, values in standardised.items() if not name.startswith(JUDGED)}
        if self.evidence != "all":
            channels = {n: values for n, values in channels.items() if (n in NETWORK) == (self.evidence == "network")}
        return channels | {name: standardised[name] for name in judged if channels and name in standardised}


CALIBRATED = tuple(Judging(evidence) for evidence in EVIDENCE)
ALL_JUDGINGS = (*CALIBRATED, Judging("network", "raw"), Judging("network", "paper"))


def judging_of(evidence: str, rule: str) -> Judging:
    """The way of judging that the settings ask for. A rule that uses the network's evidence only takes `all` for it.

    Raises BadConfig for an unknown name, and for such a rule with evidence of the surface.
    """
    if evidence not in EVIDENCE:
        raise BadConfig("evidence", f"no such evidence: {evidence}", "use " + ", ".join(EVIDENCE))
    if rule not in RULES:
        raise BadConfig("rule", f"no such rule: {rule}", "use " + ", ".join(RULES))
    if rule == "calibrated":
        return Judging(evidence, rule)
    if evidence == "surface":
        what = f"the rule {rule} judges the network's residuals, not the surface"
        raise BadConfig("rule", what, "use --evidence network, or --rule calibrated")
    return Judging("network", rule)
