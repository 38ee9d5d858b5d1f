"""LZF, the compression of `DATA binary_compressed` in PCD files (format: liblzf by Marc Lehmann)."""

from __future__ import annotations


def decompress(packed: bytes, n_bytes: int) -> bytes:
    """Decompress to `n_bytes`. Raises ValueError if the data is damaged or has a different length.

    A control byte below 32 announces that many + 1 literal bytes; any other is a copy: length in its upper three
    bits (7: the next byte adds to it), distance in its lower five and the following byte.
    """
    out = bytearray()
    at, end = 0, len(packed)
    try:
        while at < end:
            control = packed[at]
            if control < 32:
                out += packed[at + 1 : at + control + 2]
                at += control + 2
                continue
            length = control >> 5
            if length == 7:
                at += 1
                length += packed[at]
            length += 2
            start = len(out) - ((control & 31) << 8) - packed[at + 1] - 1
            at += 2
            if start < 0 or len(out) > n_bytes:
                raise ValueError("the compressed data is damaged")
            piece = out[start : start + length]
            if len(piece) < length:  # overlapping copy: a repeated pattern
                piece = (piece * (length // len(piece) + 1))[:length]
            out += piece
    except IndexError:
        raise ValueError("the compressed data ends inside an instruction") from None
    if at != end or len(out) != n_bytes:
        raise ValueError("the compressed data is damaged")
    return bytes(out)
