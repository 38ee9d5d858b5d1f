"""`sedir info` on presets; runs are covered where one is trained."""

from __future__ import annotations

import json

import pytest


def test_the_paper_preset_has_the_paper_s_size(sedir) -> None:
    found = json.loads(sedir("info", "--preset", "paper", "--json").stdout)
    assert found["parameters_paper_equivalent"] == pytest.approx(33.25e6, rel=0.02)
    assert found["macs"] == pytest.approx(508.25e9, rel=0.03)
    assert found["macs_nested"] < found["macs"]
    assert found["parameters"] < found["parameters_paper_equivalent"]


def test_the_configuration_comes_along(sedir) -> None:
    found = json.loads(sedir("info", "--preset", "tiny", "--json").stdout)
    assert found["config"]["grouping"]["n_groups"] == 128


def test_the_numbers_behind_a_verdict_are_listed_with_what_they_mean(sedir) -> None:
    found = json.loads(sedir("info", "--preset", "tiny", "--json").stdout)
    assert found["numbers"]["limits"]["margin_of_views"] == 1.25
    text = sedir("info", "--preset", "tiny").stdout
    assert "limits.margin_of_views       1.25     times the limits of views" in text
    assert "numbers" not in json.loads(sedir("info", "--preset", "tiny", "--method", "template", "--json").stdout)


@pytest.mark.parametrize(
    "arguments", [[], ["default", "--preset", "tiny"], ["--preset", "huge"], ["--preset", "tiny", "--tolerance", "1"]]
)
def test_one_run_or_one_preset(sedir, arguments) -> None:
    assert sedir("info", *arguments).exit_code == 2


def test_a_folder_that_is_no_run_fails(sedir, tmp_path) -> None:
    assert sedir("info", tmp_path).exit_code == 1


def test_a_peer_has_no_network_to_count(sedir) -> None:
    found = json.loads(sedir("info", "--preset", "tiny", "--method", "template", "--json").stdout)
    assert "parameters" not in found
    assert found["config"]["bank"]["standardise"] == "none"


@pytest.mark.parametrize(("method", "count"), [("po3ad", 37_858_901), ("imrnet", 29_043_392), ("r3d-ad", 1_377_304)])
def test_a_network_for_each_category_is_counted_for_all_of_them(sedir, method, count) -> None:
    found = json.loads(sedir("info", "--preset", "paper", "--method", method, "--json").stdout)
    assert found["parameters"] == 12 * count
    assert "macs" not in found
    assert method.replace("-", "") in found["config"]


def test_settings_that_a_method_does_not_read_are_left_out(sedir) -> None:
    found = json.loads(sedir("info", "--preset", "tiny", "--json").stdout)
    assert not {"po3ad", "cpmf", "place"} & found["config"].keys()
