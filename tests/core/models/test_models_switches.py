"""Each switch of an ablation does what it says, and nothing else; the defaults are the paper's model."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from sedir_core.config import Config, preset
from sedir_core.detectors.sedir_nets import build_network
from sedir_core.models.cfgt import GlobalToken
from sedir_core.models.ggd import GeometricPrior, geometric_mask
from sedir_core.models.sedir import SeDiR, SedirObjective, Tokens

WIDTH, N_TOKENS, TOKEN_WIDTH = 32, 20, 24


def make_network(**switches: str) -> SeDiR:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SeDiR(WIDTH, 2, 4, 48, 0.0, TOKEN_WIDTH, 3, 20.0, 1.0, **switches).eval()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    source = torch.Generator().manual_seed(0)
    return Tokens(
        torch.randn(3, 2, N_TOKENS, TOKEN_WIDTH, generator=source),
        torch.randn(2, N_TOKENS, 3, generator=source),
        torch.rand(2, N_TOKENS, 2, generator=source),
    )


def moved(tokens: Tokens, resolution: int) -> Tokens:
    features = tokens.features.clone()
    features[resolution] += 1
    return Tokens(features, tokens.centers, tokens.geometry)


@torch.no_grad()
def test_by_default_nothing_is_ablated(tokens: Tokens) -> None:
    plain, named = make_network(), make_network(global_token="cfgt", geometric_prior="bias")
    assert plain.state_dict().keys() == named.state_dict().keys()
    assert torch.equal(plain(tokens).rebuilt, named(tokens).rebuilt)
    assert (Config().network.global_token, Config().network.geometric_prior) == ("cfgt", "bias")


@torch.no_grad()
@pytest.mark.parametrize("global_token", get_args(GlobalToken))
def test_an_identity_has_length_one(tokens: Tokens, global_token: str) -> None:
    out = make_network(global_token=global_token)(tokens)
    torch.testing.assert_close(out.identity.norm(dim=1), torch.ones(2))
    assert out.logits.shape == (2, 3)
    assert out.encoded.shape == (3, 2, N_TOKENS, WIDTH)


@torch.no_grad()
@pytest.mark.parametrize(("global_token", "reads"), [("cfgt", True), ("act", False), ("mean", False), ("max", False)])
def test_only_cfgt_reads_the_other_resolutions(tokens: Tokens, global_token: str, reads: bool) -> None:
    network = make_network(global_token=global_token)
    coarser = network(moved(tokens, 2)).identity
    assert torch.equal(network(tokens).identity, coarser) != reads


@torch.no_grad()
@pytest.mark.parametrize("global_token", ["act", "mean", "max"])
def test_pieces_of_cfgt_are_what_their_names_say(tokens: Tokens, global_token: str) -> None:
    network = make_network(global_token=global_token)
    who = network.tokenizer(tokens.features, tokens.centers)
    base = who.encoded[1]
    piece = {"act": who.context, "mean": base.mean(1), "max": base.amax(1)}[global_token]
    torch.testing.assert_close(who.identity, F.normalize(network.tokenizer.projector(piece), dim=1))
    torch.testing.assert_close(who.logits, network.tokenizer.classifier(piece))


@torch.no_grad()
def test_without_an_identity_the_base_tokens_alone_are_read(tokens: Tokens) -> None:
    network = make_network(global_token="none")
    out = network(tokens)
    assert torch.equal(out.rebuilt, network(moved(moved(tokens, 0), 2)).rebuilt)
    torch.testing.assert_close(out.identity, F.normalize(out.encoded[1].mean(1), dim=1))
    assert not network.decoder.conditioned
    assert not any(name.startswith(("tokenizer.projector", "tokenizer.context")) for name in network.state_dict())


@torch.no_grad()
def test_without_an_identity_the_resolutions_cannot_differ(tokens: Tokens) -> None:
    objective = SedirObjective(make_network(global_token="none"), 1.0, 1.0, 1.0, 0.07, 8).eval()
    assert objective(tokens, torch.tensor([0, 1])).cos == pytest.approx(0.0, abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize(("geometric_prior", "reads"), [("bias", 1), ("mask", 1), ("gate", 1), ("none", 0)])
def test_geometry_reaches_the_reconstruction_unless_switched_off(
    tokens: Tokens, geometric_prior: str, reads: int
) -> None:
    network = make_network(geometric_prior=geometric_prior)
    other = Tokens(tokens.features, tokens.centers, tokens.geometry.flip(1))
    assert torch.equal(network(tokens).rebuilt, network(other).rebuilt) != reads


def test_the_mask_hides_the_most_varied_two_fifths() -> None:
    geometry = torch.stack([torch.arange(10.0), torch.zeros(10)], dim=-1)[None]
    assert (geometric_mask(geometry)[0] < -1e3).tolist() == [False] * 6 + [True] * 4
    bent = torch.stack([torch.zeros(10), torch.arange(10.0).flip(0)], dim=-1)[None]
    assert (geometric_mask(bent)[0] < -1e3).tolist() == [True] * 4 + [False] * 6


@torch.no_grad()
def test_an_open_gate_is_no_gate(tokens: Tokens) -> None:
    gated, plain = make_network(geometric_prior="gate"), make_network(geometric_prior="none")
    plain.load_state_dict(
        {name: value for name, value in gated.state_dict().items() if "geometric_gate" not in name}, strict=True
    )
    gated.decoder.geometric_gate.mlp[2].weight.zero_()
    gated.decoder.geometric_gate.mlp[2].bias.fill_(50.0)
    torch.testing.assert_close(gated(tokens).rebuilt, plain(tokens).rebuilt, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("global_token", get_args(GlobalToken))
@pytest.mark.parametrize("geometric_prior", get_args(GeometricPrior))
def test_every_parameter_is_trained_in_every_variant(tokens: Tokens, global_token: str, geometric_prior: str) -> None:
    network = make_network(global_token=global_token, geometric_prior=geometric_prior).train()
    objective = SedirObjective(network, 0.1, 0.1, 0.1, 0.07, 8).train()
    objective.buffer.push(F.normalize(torch.randn(4, WIDTH), dim=1), torch.tensor([0, 1, 0, 1]))
    objective(tokens, torch.tensor([0, 1])).total.backward()
    assert [name for name, value in network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize(("term", "position"), [("supervised_contrastive", 1), ("classification", 2), ("cosine", 3)])
def test_each_loss_term_can_be_switched_off(tokens: Tokens, term: str, position: int) -> None:
    weights = {"supervised_contrastive": 1.0, "classification": 1.0, "cosine": 1.0, term: 0.0}
    objective = SedirObjective(make_network(), **weights, temperature=0.07, buffer_size=8).eval()
    objective.buffer.push(F.normalize(torch.ones(2, WIDTH), dim=1), torch.tensor([0, 1]))
    losses = objective(tokens, torch.tensor([0, 1]))
    assert losses[position] > 0
    torch.testing.assert_close(losses.total, losses.rec + sum(losses[i] for i in (1, 2, 3) if i != position))


def test_the_configuration_reaches_the_network() -> None:
    config = preset("tiny", network={"global_token": "max", "geometric_prior": "gate"})
    network = build_network(config, 3)
    assert network.tokenizer.global_token == "max"
    assert network.decoder.geometric_prior == "gate"
