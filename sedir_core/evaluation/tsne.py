"""t-SNE in a child process, since scikit-learn's cannot be interrupted but a process can be killed.

As a program (`python -m sedir_core.evaluation.tsne SEED PERPLEXITY`) it reads tokens as NPY from standard input and
writes coordinates as NPY to standard output. Distances are not metric: only neighbourhoods are meaningful.
"""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.types import FloatArray, Report, Stop, never_stop, no_report

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison  # which the child process has no use for

LEAST_SAMPLES = 4
POLL_S = 0.1


@dataclass(frozen=True, eq=False)
class Flat:
    """(n, 2) t-SNE coordinates of each run, and what they were made with."""

    model: FloatArray
    baseline: FloatArray
    seed: int
    perplexity: float
    third: FloatArray | None = None

    @property
    def places(self) -> tuple[FloatArray, ...]:
        """Model, baseline, and the third where there is one; (n, 2) each."""
        return (self.model, self.baseline, *(() if self.third is None else (self.third,)))


def flatten(
    model: FloatArray,
    baseline: FloatArray,
    seed: int,
    perplexity: float,
    report: Report = no_report,
    stop: Stop = never_stop,
    third: FloatArray | None = None,
) -> Flat:
    """t-SNE of the (n, d) tokens of two runs or three. Raises Cancelled."""
    report(0.0, "t-SNE of the model")
    first = tsne(model, seed, perplexity, stop)
    report(0.4, "t-SNE of the baseline")
    second = tsne(baseline, seed, perplexity, stop)
    report(0.7, "t-SNE of the third run")
    last = None if third is None else tsne(third, seed, perplexity, stop)
    return Flat(first, second, seed, usable(perplexity, len(model)), last)


def flatten_runs(
    found: Comparison, seed: int, perplexity: float, report: Report = no_report, stop: Stop = never_stop
) -> Flat:
    """The tokens of a comparison's runs. Raises Cancelled."""
    third = None if found.third is None else found.third.tokens
    return flatten(found.model.tokens, found.baseline.tokens, seed, perplexity, report, stop, third)


def tsne(tokens: FloatArray, seed: int, perplexity: float, stop: Stop = never_stop) -> FloatArray:
    """(n, 2) coordinates of (n, d) tokens, reproducible for a seed. Raises Cancelled.

    perplexity: lowered to a third of the samples if there are too few. Fewer than 4 samples are placed on a line.
    """
    if len(tokens) < LEAST_SAMPLES:
        return np.column_stack([np.arange(len(tokens)), np.zeros(len(tokens))]).astype(np.float32)
    command = [sys.executable, "-m", "sedir_core.evaluation.tsne", str(seed), str(usable(perplexity, len(tokens)))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        answer: list[tuple[bytes, bytes]] = []
        talk = threading.Thread(target=lambda: answer.append(child.communicate(_npy(tokens))), name="t-SNE")
        talk.start()
        while talk.is_alive():
            if stop():
                child.kill()
                talk.join()
                raise Cancelled
            talk.join(POLL_S)
    if child.returncode != 0:
        raise RuntimeError(f"t-SNE ended with {child.returncode}: {answer[0][1].decode(errors='replace')}")
    return np.asarray(np.load(io.BytesIO(answer[0][0]), allow_pickle=False), np.float32)


def usable(perplexity: float, n_samples: int) -> float:
    """The perplexity limited by the number of samples."""
    return float(max(1.0, min(perplexity, (n_samples - 1) / 3)))


def _npy(array: FloatArray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def main() -> None:
    """The child process."""
    from sklearn.manifold import TSNE

    seed, perplexity = int(sys.argv[1]), float(sys.argv[2])
    tokens = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    # Random initialisation: with PCA every seed would give the same result.
    flat = TSNE(2, perplexity=perplexity, init="random", random_state=seed).fit_transform(tokens)
    sys.stdout.buffer.write(_npy(flat.astype(np.float32)))


if __name__ == "__main__":
    main()
