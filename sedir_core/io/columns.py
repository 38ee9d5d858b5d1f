"""Identifies the x, y and z columns of a table by names in many languages, or by the user's choice.

Tables without names: `io.unnamed`.

When in doubt we ask rather than guess: a model trained with point numbers as x would silently misjudge every part.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sedir_core.errors import BadConfig

Columns = tuple[str, ...]
"""The user's choice: three names, or three numbers counted from 1; empty if none was made."""
Axes = tuple[int, int, int]
"""Indices of x, y and z, counted from 0."""

HOW_TO_SAY = "say which columns are x, y, z: --columns 2,3,4 (or their names), or name them in the first row"
_MOST_WORDS = 32
MOST_NAMES = 12  # column names listed in a message


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_AXES = "xyz"
_LIKE_LATIN = str.maketrans("хуХУＸＹＺΧΥΖχυζłŁıØøđĐ", "xyxyxyzxyzxyzlliOodd")
_UNITS = _set("mm cm m um µm μm nm km in inch inches mil ft foot feet meter metre meters metres")
_COORDINATE = _set(
    "p pos position positions pt pts point points punkt punkte punto punti ponto punct coord coords coordinate "
    "coordinates cord koord koordinate koordinaten coordonnee coordonnees coordenada coordenadas coordinata "
    "koordinaat koordinat koordinata koordinater wspolrzedna wspolrzedne souradnice sijainti axis achse axe eje asse "
    "abscisse ordonnee cote dimension dim act messwert mess misurata mesure medida "
    "as os ax loc location ort lage place vertex vertices vert xyz cartesian world global local measured actual ist"
)
_NO_COORDINATE = _set(
    "n norm normal normals normale normalen v vel velocity speed d dir direction delta diff deviation dev abweichung "
    "err error sigma std sd var cov acc accel gyro mag rot rotation angle winkel quat q scale size min max tex texture "
    "uv color colour farbe rgb t tangent grad gradient nominal soll target ref reference force torque width height "
    "length depth nom theo theoretical px pixel"
)
_GEODETIC = (
    _set(
        "easting east e rechtswert ostwert rechts este est ost oost vast abscisse abscissa abszisse abscisa ascissa "
        "横坐标 横座標 восток абсцисса"
    ),
    _set(
        "northing north n hochwert nordwert hoch norte nord noord ordonnee ordinate ordenada ordinata 纵坐标 縦座標 "
        "север ордината"
    ),
    _set(
        "height elevation altitude hohe hoehe alt h z elev altura quota depth tiefe hauteur profondeur hojd hoogte "
        "cote cota kote applikate applicate altitud altitudine 高程 高度 竖坐标 标高 標高 高さ высота аппликата"
    ),
)
# Undecodable Japanese and Chinese text yields replacement characters, and its second bytes may look like letters.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|\N{REPLACEMENT CHARACTER}{2,}[A-Z]?|[^\W\d_A-Za-z]+")
_BRACKETED = re.compile(
    r"\[(?!\s*[xyz]\s*\])[^\]]*\]|\((?!\s*[xyz]\s*\))[^)]*\)|/\s*(?![xyz]$)[µμu]?\w{1,2}$", re.IGNORECASE
)


def parse_columns(text: str) -> Columns:
    """Parse `2,3,4` or `east,north,height`; empty text means no choice. Raises BadConfig unless there are three."""
    if not text.strip():
        return ()
    columns = tuple(part.strip() for part in re.split(r"[,;]", text))
    if len(columns) != 3 or len(set(columns)) != 3 or not all(columns) or "0" in columns:
        raise BadConfig(
            "--columns", f"{text!r} does not name three columns", "for example 2,3,4 (counted from 1) or X,Y,Z"
        )
    return columns


def chosen_axes(columns: Columns, names: Sequence[str], n_columns: int) -> Axes:
    """Indices of the columns the user named. Raises ValueError, with a text for users, if one does not exist."""
    plain = [_folded(name).strip() for name in names]
    found = []
    for column in columns:
        wanted = _folded(column).strip()
        if plain.count(wanted) == 1:
            found.append(plain.index(wanted))
        elif column.isdecimal() and 1 <= int(column) <= n_columns:
            found.append(int(column) - 1)
        else:
            there = f"its columns are {listed(names)}" if names else f"it has {n_columns} columns"
            raise ValueError(f"has no column {column!r}: {there}")
    return found[0], found[1], found[2]


def named_axes(names: Sequence[str]) -> Axes | None:
    """Indices of x, y and z by the header's names; None if unclear or ambiguous.

    The three names differ only in the axis (`PosX PosY PosZ`), so the language of the rest does not matter.
    """
    ranked = _ranked(names)
    if not ranked:
        return _geodetic(names) or _by_letter(names)
    best = ranked[min(ranked)]
    return best[0] if len(set(best)) == 1 else None


def why_unclear(names: Sequence[str]) -> str:
    """Why `named_axes` finds nothing, as a clause."""
    plain = [tuple(_words(name)) for name in names]
    if _ranked(names) or any(plain.count((axis,)) > 1 for axis in _AXES):
        return "more than one set of columns may be x, y, z"
    return "none is named x, y or z"


def says_otherwise(names: Sequence[str], ordered: bool) -> bool:
    """Whether a header that does not fit its table names x, y and z, but not exactly these in this order.

    ordered: the right order suffices, as with three columns.
    """
    words = [word for name in names for word in _words(name)]
    letters = [word for word in words if word in _AXES]
    return {*letters} == {*_AXES} and (letters if ordered else words[:3]) != [*_AXES]


def _ranked(names: Sequence[str]) -> Mapping[int, list[Axes]]:
    ranked: dict[int, list[Axes]] = defaultdict(list)
    for key, places in _candidates(names).items():
        rank = _rank(key)
        if rank is not None and all(len(at) == 1 for at in places):
            ranked[rank].append((places[0][0], places[1][0], places[2][0]))
    return ranked


def listed(names: Sequence[str]) -> str:
    """Names for a message, truncated."""
    shown = ", ".join(name.strip()[:24] or "(no name)" for name in names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def are_units(names: Sequence[str]) -> bool:
    """Whether a row contains units rather than names."""
    words = [word for name in names for word in _words(name, keep_units=True)]
    return bool(words) and all(word in _UNITS for word in words)


def _folded(name: str) -> str:
    """Lower case, without quotes and accents."""
    plain = unicodedata.normalize("NFKD", name.strip("\"' \t")).translate(_LIKE_LATIN)
    return _unmarked(plain).casefold()


def _unmarked(text: str) -> str:
    """Without accents, and without the vowels that Thai and Indic scripts write as marks: they would cut words."""
    return "".join(letter for letter in text if not unicodedata.category(letter).startswith("M"))


def _words(name: str, keep_units: bool = False) -> list[str]:
    text = name if keep_units else _BRACKETED.sub(" ", name)
    plain = _unmarked(unicodedata.normalize("NFKD", text)).translate(_LIKE_LATIN)
    words = [word.casefold() for word in _WORD.findall(plain)]
    return words if keep_units else [word for word in words if word not in _UNITS] or words


Key = tuple[str, ...]


def _candidates(names: Sequence[str]) -> Mapping[Key, tuple[list[int], list[int], list[int]]]:
    """Each name without its axis -> the columns that would then be x, y, z."""
    found: dict[Key, tuple[list[int], list[int], list[int]]] = defaultdict(lambda: ([], [], []))
    for place, name in enumerate(names):
        for axis, key in set(_readings(_words(name))):
            found[key][axis].append(place)
    return found


def _readings(words: Sequence[str]) -> Iterator[tuple[int, Key]]:
    """Ways to read an axis in a name: a separate word (`pos x`), a suffix (`posx`), a number (`points 0`)."""
    if len(words) > _MOST_WORDS:  # prose, of which every reading would be as long again
        return
    for at, word in enumerate(words):
        before, after = tuple(words[:at]), tuple(words[at + 1 :])
        if word in ("x", "y", "z"):
            yield _AXES.index(word), (*before, "*", *after)
        elif word[0] in _AXES:
            yield _AXES.index(word[0]), (*before, "*", word[1:], *after)
        elif word[-1] in _AXES:
            yield _AXES.index(word[-1]), (*before, word[:-1], "*", *after)
        if at == len(words) - 1 and before and word in ("0", "1", "2", "3"):
            number = int(word)
            if number < 3:
                yield number, (*before, "#0")
            if number > 0:
                yield number - 1, (*before, "#1")


def _rank(key: Key) -> int | None:
    """How strongly the rest of a name indicates coordinates, 0 for an empty rest; None if it indicates otherwise."""
    rest = [word for word in key if word not in ("*", "#0", "#1")]
    if any(word in _NO_COORDINATE for word in rest):
        return None
    known = all(word in _COORDINATE or word.isdecimal() for word in rest)
    if key[-1] in ("#0", "#1"):
        return (2 if key[-1] == "#0" else 3) if known else None
    if not rest:
        return 0
    if known:
        return 1
    return None if any(len(word) == 1 for word in rest) else 4


def _by_letter(names: Sequence[str]) -> Axes | None:
    """Names that share only the axis letter: `Abscisse X`, `Ordonnée Y`, `Cote Z`."""
    found = []
    for axis in _AXES:
        words = [[word for word in _words(name) if word != axis] if axis in _words(name) else None for name in names]
        plain = [at for at, rest in enumerate(words) if rest and not _NO_COORDINATE & {*rest} and len(min(rest)) > 1]
        if len(plain) != 1:
            return None
        found.append(plain[0])
    return (found[0], found[1], found[2]) if len({*found}) == 3 else None


def _geodetic(names: Sequence[str]) -> Axes | None:
    """East, north and height; or x and y by name, and a height."""
    words = [set(_words(name)) for name in names]
    found = []
    for wanted in _GEODETIC:
        named = [at for at, own in enumerate(words) if any(len(word) > 1 for word in own & wanted)]
        found.append(named or [at for at, own in enumerate(words) if own & wanted])  # `n` may number the points
    if not all(len(places) == 1 for places in found[:2]):
        found[:2] = [[at for at, own in enumerate(words) if own == {axis}] for axis in "xy"]
    return (found[0][0], found[1][0], found[2][0]) if all(len(places) == 1 for places in found) else None
