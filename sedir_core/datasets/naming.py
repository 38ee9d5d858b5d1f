"""Interprets names of folders and files in many languages: good, defective, or neither.

`OK`, `NG`, `Gutteile`, `bracket_defect`, `non conforme`: users sort their scans by such names.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Meaning = Literal["good", "bad"]


_TURKISH_AND_NORDIC = str.maketrans("ıøłđðæ", "iolddæ")


def _folded(text: str) -> str:
    """Without case and accents."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", plain).casefold().translate(_TURKISH_AND_NORDIC)


def _words(text: str) -> frozenset[str]:
    return frozenset(_folded(text).split())


GOOD = _words(
    "ok okay io good normal normals pass passed accept accepted acceptable conform conforming conformant healthy "
    "intact flawless faultless nondefective undamaged "
    "gut gute gutteil gutteile inordnung fehlerfrei einwandfrei "
    "bon bons bonne bonnes conforme conformes "
    "bueno buenos buena buenas correcto correctos aceptado "
    "buono buoni buona buone conformi bom bons boa boas aprovado aprovados "
    "goed goede goedgekeurd dobry dobre dobra dobri poprawne spravny bra godkand godkant god gode godkjent godkendt "
    "hyva hyvat iyi saglam gecti hatasiz jo megfelelo bune acceptat dobar ispravan ispravno dobro baik bagus "
    "καλό καλά καλός αποδεκτό ดี ผ่าน טוב תקין سليم جيد مقبول सही अच्छा добрі придатні гарні "
    "godnye horoshie годен годные хорошие хороший норма "
    "良品 合格 正常 良 양품 정상 합격 양호"
)
BAD = _words(
    "ng nok nio bad abnormal abnormals defect defects defective defectives fail fails failed failure faulty fault "
    "faults reject rejects rejected scrap anomaly anomalies anomalous damaged broken flawed nonconforming nogood notok "
    "schlecht schlechte schlechtteil schlechtteile defekt defekte defekten fehler fehlerhaft mangelhaft ausschuss "
    "unacceptable rework ko beanstandet nacharbeit "
    "mauvais mauvaise mauvaises defectueux defectueuse defaut defauts rebut rebuts "
    "malo malos mala malas defectuoso defectuosos defectuosa defecto defectos rechazado rechazados "
    "cattivo cattivi difettoso difettosi difetto difetti scarto scarti ruim ruins defeito defeitos reprovado "
    "slecht slechte defecten afgekeurd fout zly zle zla wada wady wadliwe wadliwy vadny vadne vada spatny spatne dalig "
    "daliga darlig darlige underkand underkjent kasseret fejl feil defekta viallinen vialliset huono huonot "
    "kotu bozuk hatali hata kusurlu kusur rossz hibas hiba selejt rele defecte rebutat respins "
    "neispravan neispravno skart buruk jelek rusak cacat gagal wrong incorrect notokay noncompliant "
    "κακό κακά κακός ελαττωματικό ελαττωματικά σκάρτο เสีย ไม่ดี ชำรุด פגום פסול معيب تالف مرفوض खराब погані дефектні "
    "брак бракованные дефект дефекты дефектные негодные плохие плохой "
    "不良 不良品 不合格 异常 異常 欠陥 缺陷 瑕疵 次品 废品 "
    "불량 불합격 결함"
)
_UNCLEAR = _words("positive positives negative negatives")
"""Ambiguous: good in inspection, the opposite in defect detection. Not learned without confirmation."""
KINDS_OF_DEFECT = _words(
    "scratch scratches scratched dent dents dented bulge bulges sink sinks hole holes crack cracks cracked bend bent "
    "burr burrs pore pores porosity chip chipped contamination contaminated combined color colour cut cuts thread "
    "foreign missing extra squeeze squeezed deformation deformed open rupture detachment detached fracture fractured "
    "concavity convexity inside creases crease kratzer delle dellen beule beulen riss risse loch locher grat grate "
    "bruch bruche verbogen verzug poren "
    "rayure rayures fissure fissures trou trous bosse bosses bavure bavures cassure casse pli "
    "rayado rayados aranazo aranazos abolladura abolladuras grieta grietas agujero agujeros rebaba rebabas "
    "rotura roto doblado arranhao arranhoes risco riscos amassado trinca trincas furo furos quebrado rebarba "
    "graffio graffi ammaccatura ammaccature cricca cricche crepa crepe foro fori bava bave rottura piegato "
    "kras krassen deuk deuken scheur scheuren gat gaten braam bramen rysa rysy wgniecenie pekniecie dziura zadzior "
    "skrabanec promacklina prasklina dira otrep repa repor buckla spricka hal karcolas horpadas repedes "
    "cizik gocuk catlak delik capak kirik царапина царапины вмятина вмятины трещина трещины скол сколы заусенец пора "
    "划痕 刮痕 划伤 凹陷 凹坑 压痕 裂纹 裂缝 孔洞 毛刺 断裂 缺口 变形 刮傷 凹痕 裂痕 毛邊 變形 "
    "傷 キズ きず 凹み へこみ 打痕 ひび クラック 穴 バリ 欠け 割れ 변형 스크래치 긁힘 찍힘 균열 구멍 버"
)
_NOT = _words("no not non nicht nie kein keine un nao niet ej inte не")
_NEUTRAL = _words(
    "part parts piece pieces sample samples scan scans item items only set data test the teil teile stuck stucke pieza "
    "piezas pezzo pezzi piece pieces peca pecas onderdelen czesci detali детали parca parcalar "
    "deler dele alkatresz piese dijelovi 品 件 零件 工件 部品 製品 制品 产品 產品 样本 样品 樣品 "
    "サンプル データ 数据 类 類 제품 부품 샘플 품"
)
_NO_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_WORD = re.compile(r"(?:[^\W\d_]|[\u0e31-\u0e4e])+")  # Thai writes some vowels as combining marks
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def meaning(name: str) -> Meaning | None:
    """The verdict in a name: `OK`, `ok_2024`, `NG-teile`, `not ok`. None if it has none, or both."""
    words = _plain(name)
    joined = "".join(words)
    if joined in BAD or joined in GOOD:
        return "bad" if joined in BAD else "good"
    words = [part for word in words for part in _compound(word)]
    found: set[Meaning] = set()
    for at, word in enumerate(words):
        denied = at > 0 and words[at - 1] in _NOT
        if word in GOOD:
            found.add("bad" if denied else "good")
        elif word in BAD:
            found.add("good" if denied else "bad")
        elif word in _UNCLEAR:
            found.add("bad")
    return found.pop() if len(found) == 1 else None


def verdict(name: str) -> Meaning | None:
    """The verdict of a name that says nothing else: `NG`, `bad parts`; not `bad_bolts`, which also names the part."""
    known = GOOD | BAD | _NOT | _NEUTRAL | _UNCLEAR
    words = [part for word in _plain(name) for part in _compound(word)]
    return meaning(name) if "".join(words) in known or all(word in known for word in words) else None


def is_kind_of_defect(name: str) -> bool:
    """Whether a name is a kind of defect: `scratch`, `hole_2`."""
    return bool(words := _plain(name)) and words[0] in KINDS_OF_DEFECT


def _plain(name: str) -> list[str]:
    """The words of a name in lower case, without accents; `i.O.` and `n.i.O.` count as one word each."""
    text = _CAMEL.sub(" ", name)
    text = re.sub(r"(?i)\b(n\.?)?i\.o\.?(?!\w)", lambda hit: " nio " if hit[1] else " io ", text)
    text = re.sub(r"(?i)(?<![^\W_])in[\W_]+ordnung", "inordnung", text)
    text = re.sub(r"(?i)\bn\s*/\s*g\b|\bn\.g\.?(?!\w)", " ng ", text)
    text = _NO_SPACES.sub(lambda hit: f" {hit[0]} ", text)
    return _WORD.findall(_folded(text))


def _compound(word: str) -> list[str]:
    """Split a word of a language without spaces into known words, longest match first: 不良|部品."""
    if not _NO_SPACES.fullmatch(word):
        return [word]
    parts = []
    while word:
        known = [word[:n] for n in range(min(len(word), 4), 0, -1) if word[:n] in _WRITTEN_TOGETHER]
        parts.append(known[0] if known else word[0])
        word = word[len(parts[-1]) :]
    return parts


_WRITTEN_TOGETHER = frozenset(word for word in GOOD | BAD | _NEUTRAL if _NO_SPACES.fullmatch(word))
