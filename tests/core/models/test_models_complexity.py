"""Counts against the networks themselves and against the published table."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from sedir_core.models import complexity
from sedir_core.models.cfgt import GlobalToken
from sedir_core.models.complexity import EncoderSize, NetworkSize, Parts, mc3dad_complexity, sedir_complexity
from sedir_core.models.ggd import GeometricPrior
from sedir_core.models.mc3dad import MC3DAD
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import SeDiR, Tokens

SMALL, NARROW = EncoderSize(48, 16, 4, 2), NetworkSize(32, 3, 4, 64)


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_paper_preset_costs_what_the_paper_prints():
    assert sedir_complexity(EncoderSize(), NetworkSize(), 1024, 256, 12).macs == pytest.approx(508.25e9, rel=1e-3)


def test_paper_preset_has_the_paper_s_parameters():
    found = sedir_complexity(EncoderSize(), NetworkSize(), 1024, 256, 12).parameters_paper_equivalent
    assert found == pytest.approx(33.25e6, rel=0.005)


def test_baseline_costs_what_the_paper_prints():
    assert round(mc3dad_complexity(EncoderSize(), NetworkSize(), 4096, 128, 12).macs / 1e9, 4) == 439.2105


def test_baseline_has_the_published_parameters():
    found = mc3dad_complexity(EncoderSize(), NetworkSize(), 4096, 128, 12).parameters_paper_equivalent
    assert found == 34_164_148


def test_nesting_saves_two_fifths_of_the_local_encoder():
    paper = sedir_complexity(EncoderSize(), NetworkSize(), 1024, 256, 12)
    assert paper.macs / paper.macs_nested == pytest.approx(1.575, abs=0.01)


@pytest.mark.parametrize(("encoder", "network"), [(SMALL, NARROW), (EncoderSize(), NetworkSize())])
def test_parameters_are_those_of_the_networks(encoder, network):
    local = LocalEncoder(encoder.width, encoder.hidden, encoder.heads, encoder.depth)
    sedir = SeDiR(network.width, network.depth, network.heads, network.feedforward, 0.1, encoder.width, 5, 20.0, 1.0)
    baseline = MC3DAD(encoder.width, network.width, network.depth, network.heads, network.feedforward)
    assert sedir_complexity(encoder, network, 128, 32, 5).parameters == count(local, sedir)
    assert mc3dad_complexity(encoder, network, 128, 32, 5).parameters == count(local, baseline)


def test_network_is_counted_as_it_runs():
    """What every Linear really multiplies, plus projections (one parameter, no Linear), products and norms."""
    n, d, c, depth = 20, NARROW.width, SMALL.width, NARROW.depth
    network = SeDiR(d, depth, NARROW.heads, NARROW.feedforward, 0.0, c, 3, 0.0, 0.0).eval()
    ran: list[int] = []
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda layer, x, _: ran.append(x[0].numel() * layer.out_features))
    network(Tokens(torch.randn(3, 1, n, c), torch.randn(1, n, 3), torch.rand(1, n, 2)))
    projections = depth * d * d * 3 * ((3 * n + 1) + 2 * n)
    products = depth * d * (2 * (2 * n * n + (n + 1) ** 2) + 2 * n * n)
    norms = 5 * d * (depth * (2 * (3 * n + 1) + 3 * n) + 4)
    assert complexity._sedir_macs(c, NARROW, n, 3, Parts()) == sum(ran) + projections + products + norms


@pytest.mark.parametrize("global_token", get_args(GlobalToken))
@pytest.mark.parametrize("geometric_prior", get_args(GeometricPrior))
def test_parameters_are_those_of_the_ablated_networks(global_token, geometric_prior):
    sizes = (NARROW.width, NARROW.depth, NARROW.heads, NARROW.feedforward, 0.1, SMALL.width, 5, 20.0, 1.0)
    local = LocalEncoder(SMALL.width, SMALL.hidden, SMALL.heads, SMALL.depth)
    network = SeDiR(*sizes, global_token, geometric_prior)
    found = sedir_complexity(SMALL, NARROW, 128, 32, 5, Parts(global_token, geometric_prior))
    assert found.parameters == count(local, network)
