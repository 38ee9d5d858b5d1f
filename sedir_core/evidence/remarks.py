"""The remarks of a detection besides its verdict: why it is uncertain, what else was found, what was left out.

Each remark is empty if there is nothing to say; otherwise it continues a sentence.
"""

from __future__ import annotations

from collections.abc import Collection

from sedir_core.evidence.combination import Strangeness
from sedir_core.evidence.coverage import ABSENT, words_of_absence
from sedir_core.evidence.fields import Places
from sedir_core.evidence.identify import Identified
from sedir_core.evidence.normal_surface import Departure
from sedir_core.evidence.numbers import WHOLE_PART
from sedir_core.evidence.report_numbers import REPORT
from sedir_core.evidence.whole_part import SIZE, size_to_tell, words_of_size


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


def of_the_whole(departure: Departure, names: Collection[str], places: Places) -> str:
    """How the part departs as a whole, of a scan that is NG. names: the channels concerned. places: of the surface."""
    larger, left = size_to_tell(departure.points, places)
    explains = left < WHOLE_PART.explained and abs(larger) > WHOLE_PART.least_told
    size = larger if explains else departure.size_difference
    said = {SIZE: words_of_size(size), ABSENT: words_of_absence(departure.absent)}
    return "".join(f"; {said[name]}" for name in said if name in names or (name == SIZE and explains))


def too_sparse(n_points: int, n_usual: float, times_limit: float, taken_for: str = "") -> str:
    """Why a scan that is NG may be good, a sentence of its own: what few points show by chance; else empty.

    n_usual: points that a training scan had at least. A scan of fewer must exceed the limit as many times. taken_for:
    another category that the network takes the scan for.
    """
    if taken_for and 2 * n_points < n_usual:
        what = f"has only {n_points:,} points, too few for the network, which takes it for {taken_for}"
        return f"{what}: scan the part more densely"
    if times_limit <= 1 or times_limit * n_points >= n_usual:
        return ""
    what = f"is above the limit ({100 * times_limit:.0f} %), but has only {n_points:,} points"
    return f"{what}, too few to tell a defect from chance: scan the part more densely"


def left_out(found: Identified, others: int, strays: int) -> str:
    """others: number of scan points that are not on the part; strays: on the part, but without a score."""
    said = "" if found.view is None or found.too_few else "; seen from one side, the rest was not evaluated"
    if found.alone is not None:
        said += found.alone.words(others)
    if strays:
        said += f"; {strays:,} {'stray point was' if strays == 1 else 'stray points were'} not evaluated"
    return said
