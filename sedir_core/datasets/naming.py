"""What the name of a folder or file says of the parts in it: good, defective, or nothing. In the usual languages.

`OK`, `NG`, `Gutteile`, `bracket_defect`, `non conforme`: people sort their scans by such names, and mean it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Meaning = Literal["good", "bad"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GOOD = _words(
    "ok io good normal normals pass passed accept accepted conform conforming healthy intact flawless faultless "
    "nondefective undamaged positive "
    "gut gute gutteil gutteile inordnung fehlerfrei "
    "bon bons bonne bonnes conforme conformes "
    "bueno buenos buena buenas correcto correctos aceptado "
    "buono buoni buona buone conformi bom bons boa boas aprovado aprovados "
    "goed goede goedgekeurd dobry dobre dobra spravny bra godkand godkant hyva "
    "godnye horoshie годен годные хорошие хороший норма 良品 合格 正常 良 양품 정상 합격"
)
BAD = _words(
    "ng nok nio bad abnormal abnormals defect defects defective defectives fail fails failed failure faulty fault "
    "faults reject rejects rejected scrap anomaly anomalies anomalous damaged broken flawed nonconforming nogood notok "
    "schlecht schlechte schlechtteil schlechtteile defekt defekte defekten fehler fehlerhaft mangelhaft ausschuss "
    "mauvais mauvaise mauvaises defectueux defectueuse defaut defauts rebut rebuts "
    "malo malos mala malas defectuoso defectuosos defectuosa defecto defectos rechazado rechazados "
    "cattivo cattivi difettoso difettosi difetto difetti scarto scarti ruim ruins defeito defeitos reprovado "
    "slecht slechte defecten afgekeurd fout zly zle wada wadliwe vadny vadne dalig daliga underkand viallinen huono "
    "брак бракованные дефект дефекты негодные плохие плохой 不良 不良品 不合格 异常 異常 欠陥 缺陷 불량 불합격 결함"
)
KINDS_OF_DEFECT = _words(
    "scratch scratches scratched dent dents dented bulge bulges sink sinks hole holes crack cracks cracked bend bent "
    "burr burrs pore pores porosity chip chipped contamination contaminated combined color colour cut cuts thread "
    "foreign missing extra squeeze squeezed deformation deformed open rupture detachment detached fracture fractured "
    "concavity convexity inside creases crease kratzer delle beule riss risse loch grat bruch rayure fissure trou"
)
_NOT = _words("no not non nicht nie kein keine un nao niet ej inte не")
_NEUTRAL = _words(
    "part parts piece pieces sample samples scan scans item items only set data test the teil teile stuck stucke pieza "
    "piezas pezzo pezzi piece pieces peca pecas onderdelen czesci detali детали"
)
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def meaning(name: str) -> Meaning | None:
    """What a name says of parts: `OK`, `ok_2024`, `NG-teile`, `not ok`. None where it says nothing, or both."""
    words = _plain(name)
    joined = "".join(words)
    if joined in BAD or joined in GOOD:
        return "bad" if joined in BAD else "good"
    found: set[Meaning] = set()
    for at, word in enumerate(words):
        denied = at > 0 and words[at - 1] in _NOT
        if word in GOOD:
            found.add("bad" if denied else "good")
        elif word in BAD:
            found.add("good" if denied else "bad")
    return found.pop() if len(found) == 1 else None


def verdict(name: str) -> Meaning | None:
    """What a name says if it says nothing else: `NG` and `bad parts`, not `bad_bolts`, which also names the part."""
    known = GOOD | BAD | _NOT | _NEUTRAL
    words = _plain(name)
    return meaning(name) if "".join(words) in known or all(word in known for word in words) else None


def is_kind_of_defect(name: str) -> bool:
    """Whether a name is that of a flaw: `scratch`, `hole_2`."""
    return bool(words := _plain(name)) and words[0] in KINDS_OF_DEFECT


def _plain(name: str) -> list[str]:
    """The words of a name in lower case, without accents; `i.O.` and `n.i.O.` are one word each."""
    text = _CAMEL.sub(" ", name)
    text = re.sub(r"(?i)\b(n\.?)?i\.o\.?(?!\w)", lambda hit: " nio " if hit[1] else " io ", text)
    text = re.sub(r"(?i)\bn\s*/\s*g\b|\bn\.g\.?(?!\w)", " ng ", text)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return [word.casefold() for word in _WORD.findall(unicodedata.normalize("NFC", plain))]
