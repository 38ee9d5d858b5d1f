"""SeDiR assembled: what its forward pass promises, and what its objective does."""

from __future__ import annotations

import copy

import pytest
import torch

from sedir_core.models.cfgt import jitter
from sedir_core.models.ggd import GeometricBias, normalise_per_instance
from sedir_core.models.sedir import SeDiR, SedirObjective, Tokens

WIDTH, N_TOKENS, TOKEN_WIDTH = 32, 20, 24


def make_network(**changes) -> SeDiR:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        numbers = {"width": WIDTH, "depth": 2, "heads": 4, "feedforward": 48, "dropout": 0.1} | changes
        return SeDiR(**numbers, token_width=TOKEN_WIDTH, n_categories=3, jitter_scale=20.0, jitter_probability=1.0)


def make_tokens(batch: int = 2, seed: int = 0) -> Tokens:
    source = torch.Generator().manual_seed(seed)
    return Tokens(
        torch.randn(3, batch, N_TOKENS, TOKEN_WIDTH, generator=source),
        torch.randn(batch, N_TOKENS, 3, generator=source),
        torch.rand(batch, N_TOKENS, 2, generator=source),
    )


def make_objective(network: SeDiR) -> SedirObjective:
    return SedirObjective(network, 0.001, 0.001, 0.01, 0.07, 8)


@pytest.fixture
def network() -> SeDiR:
    return make_network().eval()


def part(tokens: Tokens, i: int) -> Tokens:
    return Tokens(tokens.features[:, i : i + 1], tokens.centers[i : i + 1], tokens.geometry[i : i + 1])


def test_shapes(network):
    out = network(make_tokens())
    assert out.rebuilt.shape == (2, N_TOKENS, TOKEN_WIDTH)
    assert out.encoded.shape == (3, 2, N_TOKENS, WIDTH)
    assert out.logits.shape == (2, 3)


def test_identity_has_length_one(network):
    torch.testing.assert_close(network(make_tokens()).identity.norm(dim=1), torch.ones(2))


def test_batch_of_two_equals_two_of_one(network):
    tokens = make_tokens()
    together = network(tokens)
    for i in range(2):
        alone = network(part(tokens, i))
        torch.testing.assert_close(together.rebuilt[i : i + 1], alone.rebuilt, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.identity[i : i + 1], alone.identity, rtol=1e-4, atol=1e-5)


def test_shuffled_tokens_give_shuffled_outputs_and_the_same_identity(network):
    tokens = make_tokens()
    order = torch.randperm(N_TOKENS, generator=torch.Generator().manual_seed(5))
    shuffled = network(Tokens(tokens.features[:, :, order], tokens.centers[:, order], tokens.geometry[:, order]))
    plain = network(tokens)
    torch.testing.assert_close(shuffled.rebuilt, plain.rebuilt[:, order], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(shuffled.identity, plain.identity, rtol=1e-4, atol=1e-5)


def test_evaluation_ignores_the_generator(network):
    tokens = make_tokens()
    assert torch.equal(network(tokens, torch.Generator().manual_seed(3)).rebuilt, network(tokens).rebuilt)


def test_training_follows_its_generator_alone():
    network, tokens = make_network(dropout=0.0).train(), make_tokens()
    first, again, other = (network(tokens, torch.Generator().manual_seed(seed)).rebuilt for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_without_a_generator_has_no_jitter():
    network, tokens = make_network(dropout=0.0), make_tokens()
    assert torch.equal(network.train()(tokens).rebuilt, network.eval()(tokens).rebuilt)


def test_jitter_is_in_proportion_to_the_token():
    features = torch.randn(3, 1, 4000, 16, generator=torch.Generator().manual_seed(0))
    noise = jitter(features, 20.0, 1.0, torch.Generator().manual_seed(1)) - features
    relative = noise.square().mean(-1).sqrt() / (features.norm(dim=-1) / 16 * 20)
    assert relative.square().mean().item() == pytest.approx(1.0, abs=0.02)


def test_jitter_never_happens_at_probability_zero():
    features = torch.ones(3, 1, 2, 4)
    assert jitter(features, 20.0, 0.0, torch.Generator().manual_seed(1)) is features


def test_geometry_reaches_the_reconstruction(network):
    tokens = make_tokens()
    other = Tokens(tokens.features, tokens.centers, tokens.geometry.flip(1))
    assert not torch.allclose(network(tokens).rebuilt, network(other).rebuilt)
    assert torch.equal(network(tokens).identity, network(other).identity)


def test_geometry_has_no_unit():
    bias, geometry = GeometricBias(), make_tokens().geometry
    torch.testing.assert_close(bias(geometry * 7 + 3), bias(geometry), rtol=1e-3, atol=1e-4)


def test_a_constant_geometry_is_no_guidance():
    assert torch.equal(normalise_per_instance(torch.full((1, 5, 2), 0.3)), torch.zeros(1, 5, 2))


def test_every_parameter_gets_a_gradient():
    objective = make_objective(make_network().train()).train()
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):  # the second time the buffer holds something
        losses = objective(make_tokens(), torch.tensor([0, 1]), generator)
    losses.total.backward()
    silent = [name for name, p in objective.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_total_is_the_weighted_sum():
    losses = make_objective(make_network().eval())(make_tokens(), torch.tensor([0, 1]))
    expected = losses.rec + 0.001 * losses.scl + 0.001 * losses.cls + 0.01 * losses.cos
    torch.testing.assert_close(losses.total, expected)


def test_target_is_the_base_resolution_without_jitter():
    network, tokens = make_network(dropout=0.0), make_tokens()
    objective = make_objective(network.train()).train()
    rebuilt = network(tokens, torch.Generator().manual_seed(9)).rebuilt
    losses = objective(tokens, torch.tensor([0, 1]), torch.Generator().manual_seed(9))
    torch.testing.assert_close(losses.rec, (rebuilt - tokens.features[1]).square().mean())


def test_a_step_compares_with_earlier_steps_only():
    objective = make_objective(make_network().train()).train()
    first = objective(make_tokens(), torch.tensor([0, 1]))
    objective.settle(lambda rows: rows)
    second = objective(make_tokens(), torch.tensor([0, 1]))
    objective.settle(lambda rows: rows)
    assert first.scl.item() == 0.0
    assert second.scl.item() > 0.0
    assert int(objective.buffer.count) == 4


def test_evaluation_leaves_the_buffer_alone():
    objective = make_objective(make_network()).eval()
    objective(make_tokens(), torch.tensor([0, 1]))
    assert int(objective.buffer.count) == 0


def test_training_lowers_the_reconstruction_loss():
    objective, tokens = make_objective(make_network(dropout=0.0)).train(), make_tokens()
    optimizer = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = objective(tokens, torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.rec.item())
    assert losses[-1] < 0.7 * losses[0]


def test_a_training_step_is_repeatable_to_the_bit():
    first = make_objective(make_network(dropout=0.0)).train()
    second = copy.deepcopy(first)
    for objective in (first, second):
        objective(make_tokens(), torch.tensor([0, 1]), torch.Generator().manual_seed(4)).total.backward()
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def test_bf16_stays_near(network):
    tokens = make_tokens()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = network(tokens).rebuilt.float()
    exact = network(tokens).rebuilt
    assert (rough - exact).abs().mean() < 0.1 * exact.abs().mean()


@pytest.mark.parametrize(
    ("features", "centers", "geometry"),
    [((2, 1, 5, 8), (1, 5, 3), (1, 5, 2)), ((3, 1, 5, 8), (1, 4, 3), (1, 5, 2)), ((3, 1, 5, 8), (1, 5, 3), (1, 5, 1))],
)
def test_tokens_refuse_shapes_that_do_not_fit(features, centers, geometry):
    with pytest.raises(ValueError, match="must be"):
        Tokens(torch.zeros(features), torch.zeros(centers), torch.zeros(geometry))
