"""The remarks of a detection besides its verdict: why it is uncertain, what else was found, what was left out.

Each remark is empty if there is nothing to say; otherwise it continues a sentence.
"""

from __future__ import annotations

from collections.abc import Collection

from sedir_core.evidence.combination import Strangeness
from sedir_core.evidence.coverage import ABSENT, words_of_absence
from sedir_core.evidence.identify import Identified
from sedir_core.evidence.normal_surface import Departure
from sedir_core.evidence.report_numbers import REPORT
from sedir_core.evidence.whole_part import SIZE, words_of_size


def hardly_judged(scan: Strangeness) -> str:
    """Why no verdict is certain on a scan of which good scans show too little; a sentence of its own."""
    if scan.untold <= REPORT.unseen_share:
        return ""
    return "lies otherwise than good scans did: train with two or more that lie like it" + beside_the_training(scan)


def beside_the_training(scan: Strangeness) -> str:
    """What the scan shows beyond the training scans, and how much noisier it is."""
    said = ""
    if scan.untold > REPORT.telling_share:
        said += f"; {100 * scan.untold:.0f} % of it is hardly shown by good scans and was not evaluated"
    if scan.noise > REPORT.telling_noise:
        said += f"; {scan.noise:.1f} times as noisy as the training scans"
    return said


def of_the_whole(departure: Departure, names: Collection[str]) -> str:
    """How the part departs as a whole. names: the channels concerned."""
    said = {SIZE: words_of_size(departure.size_difference), ABSENT: words_of_absence(departure.absent)}
    return "".join(f"; {said[name]}" for name in names)


def left_out(found: Identified, others: int, strays: int) -> str:
    """others: number of scan points that are not on the part; strays: on the part, but without a score."""
    said = "" if found.view is None or found.too_few else "; seen from one side, the rest was not evaluated"
    if found.alone is not None:
        said += found.alone.words(others)
    if strays:
        said += f"; {strays:,} {'stray point was' if strays == 1 else 'stray points were'} not evaluated"
    return said
