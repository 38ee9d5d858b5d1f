"""What names say of parts, in the usual languages."""

from __future__ import annotations

import pytest

from sedir_core.datasets.naming import is_kind_of_defect, meaning, verdict

GOOD = (
    "OK ok Ok good GOOD normal Pass passed i.O. IO gut Gutteile bon bonne conforme bueno 良品 合格 годные "
    "non-defective okay хороший OK品 良品サンプル 合格件 정상품 iyi sağlam god jó hyvä dobrý καλό ดี תקין "
    "einwandfrei in-Ordnung"
)
BAD = (
    "NG ng NOK bad Bad abnormal defect Defective FAIL failed reject n.i.O. nio schlecht Ausschuss fehlerhaft mauvais "
    "défectueux rebut malo difettoso 不良 брак not_ok no-good non_conforme scrap anomaly "
    "not_okay плохой NG品 不良部品 缺陷件 불량품 kötü hatalı dårlig rossz špatný κακό เสีย פגום wadliwy "
    "nicht_in_Ordnung KO unacceptable rework Nacharbeit beanstandet дефектные"
)


@pytest.mark.parametrize("name", GOOD.split())
def test_good_in_any_case_and_language(name: str) -> None:
    assert meaning(name) == verdict(name) == "good"


@pytest.mark.parametrize("name", BAD.split())
def test_bad_in_any_case_and_language(name: str) -> None:
    assert meaning(name) == verdict(name) == "bad"


@pytest.mark.parametrize(
    "name",
    ["bracket", "lid 2", "Okapi", "ngon", "badge", "goodie", "passage", "2024-11-03", "", "不", "品番", "rod", "Bogen"],
)
def test_names_that_only_look_like_it_say_nothing(name: str) -> None:
    assert meaning(name) is None


@pytest.mark.parametrize("name", ["ok_and_ng", "good or bad"])
def test_both_at_once_say_nothing(name: str) -> None:
    assert meaning(name) is None


@pytest.mark.parametrize(
    ("name", "said"), [("OK_2024", "good"), ("NG parts", "bad"), ("ng-1", "bad"), ("gute Teile", "good")]
)
def test_numbers_and_words_for_parts_change_nothing(name: str, said: str) -> None:
    assert verdict(name) == said


def test_a_name_that_also_names_the_part_is_no_verdict_on_its_folder() -> None:
    assert (meaning("bracket_NG"), verdict("bracket_NG")) == ("bad", None)


def test_kinds_of_defect_are_known() -> None:
    assert is_kind_of_defect("scratch_2") and is_kind_of_defect("Hole") and not is_kind_of_defect("bracket")


@pytest.mark.parametrize("name", ["positive", "Negative", "positives"])
def test_what_is_good_to_some_and_bad_to_others_is_not_learnt_unasked(name: str) -> None:
    assert meaning(name) == verdict(name) == "bad"
