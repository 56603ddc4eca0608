import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.networks import MLP
from helpers.optimizers import clip_norm_, clip_value_
from helpers.training import accuracy, minibatches, train, train_on

F64 = torch.float64
# Adam divides by the gradient's size, so at large rates it amplifies mere rounding: hence its own.
RATES = {"sgd": [0.05, 0.02, 0.3], "momentum": [0.01, 0.02, 0.05], "adam": [0.003, 0.001, 0.01]}
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "adam": torch.optim.Adam,
}


def data(n=90, seed=3):
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 64, dtype=F64, generator=g)
    return X, (X[:, :10]).argmax(dim=1)


def population(seeds, **options):
    return MLP(3, 12, "tanh", seeds, dtype=F64, **options)


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("batch_size", [16, None])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_population_trains_as_each_network_would_alone(optimizer, batch_size, clip):
    X, y = data()
    seeds, rates, steps = [4, 9, 4], RATES[optimizer], 25
    net, start = population(seeds), population(seeds)
    history = train(
        net, X, y, steps=steps, lr=rates, optimizer=optimizer, batch_size=batch_size, clip=clip
    )
    for k, (seed, lr) in enumerate(zip(seeds, rates)):
        W = [nn.Parameter(w[k].detach().clone()) for w in start.weights]
        b = [nn.Parameter(v[k].detach().clone()) for v in start.biases]
        update = OPTIMIZERS[optimizer]([*W, *b], lr)
        for step, rows in enumerate(minibatches([seed], len(X), batch_size, steps)):
            h = X[rows.flatten()]
            for w, v in zip(W[:-1], b[:-1]):
                h = torch.tanh(h @ w + v)
            loss = functional.cross_entropy(h @ W[-1] + b[-1], y[rows.flatten()])
            update.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_([*W, *b], clip)
            update.step()
            assert history.losses[k, step] == pytest.approx(float(loss.detach()), abs=1e-12)
        for trained, expected in zip([*net.weights, *net.biases], [*W, *b]):
            assert torch.allclose(trained[k], expected, rtol=0, atol=1e-12)


def test_training_is_the_same_twice():
    X, y = data()
    first, second = population([0, 1]), population([0, 1])
    for net in (first, second):
        train(net, X, y, steps=5, lr=0.1, batch_size=8)
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), second.parameters()))


def test_clipping_is_per_replica():
    g = [torch.full((2, 3, 4), 1.0), torch.full((2, 1, 4), 1.0)]
    g[0][1] *= 100
    norms = clip_norm_(g, torch.full((2, 1, 1), 2.0))
    assert norms[0] == pytest.approx(4)
    clipped = torch.stack([t.norm(dim=(-2, -1)) for t in g]).norm(dim=0)
    assert torch.allclose(clipped, torch.tensor([2.0, 2.0]))
    small = [torch.full((1, 1, 1), 0.5)]
    clip_norm_(small, torch.ones(1, 1, 1))
    assert small[0].item() == 0.5


def test_a_replica_that_diverges_disturbs_no_other():
    X, y = data()
    pair, alone = population([0, 1]), population([1])
    pair.weights[-1].data[0] *= 1e308
    history = train(pair, X, y, steps=10, lr=0.1, batch_size=8)
    train(alone, X, y, steps=10, lr=0.1, batch_size=8)
    assert history.finite.tolist() == [False, True]
    assert history.final_loss[0] == np.inf
    assert all(torch.allclose(p[1], q[0]) for p, q in zip(pair.parameters(), alone.parameters()))


def test_frozen_parameters_stay():
    X, y = data()
    net = population([0])
    frozen = net.weights[0].requires_grad_(False)
    before, moving = frozen.clone(), net.weights[1].detach().clone()
    train(net, X, y, steps=3, lr=0.1, batch_size=8)
    assert torch.equal(frozen, before)
    assert not torch.equal(net.weights[1], moving)
    for p in net.parameters():
        p.requires_grad_(False)
    with pytest.raises(ValueError, match="network must have a parameter to train"):
        train(net, X, y, steps=3, lr=0.1)


def test_training_ends_when_every_replica_has_solved_its_task():
    X, y = data()
    net = population([0, 1])
    history = train(net, X, y, steps=2000, lr=0.05, optimizer="adam", batch_size=32, stop_below=0.2)
    assert history.stopped_early
    assert history.solved.all()
    assert history.solved_at.max() == history.losses.shape[1] < 2000
    assert (history.final_loss < 0.2).all()
    slow = train(population([0]), X, y, steps=12, lr=1e-6, batch_size=32, stop_below=0.2)
    assert not slow.stopped_early
    assert slow.solved_at.tolist() == [0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_replica_that_leaves_keeps_its_weights_and_disturbs_no_other(optimizer):
    X, y = data()
    options = {"steps": 150, "optimizer": optimizer, "batch_size": 32, "stop_below": 0.9}
    lr = {"sgd": 0.3, "momentum": 0.03, "adam": 0.01}[optimizer]
    mixed, alone = population([4, 7, 9]), population([4])
    mixed.weights[0].data[2] = float("nan")
    history = train(mixed, X, y, lr=[lr, 1e-9, lr], **options)
    single = train(alone, X, y, lr=lr, **options)
    taken = int(history.solved_at[0])
    assert 10 <= taken < 150
    assert history.solved_at.tolist() == [taken, 0, 0]
    assert history.finite.tolist() == [True, True, False]
    assert single.solved_at.tolist() == [taken]
    assert np.isnan(history.losses[0, taken:]).all()
    assert np.isfinite(history.losses[1]).all()
    assert not history.stopped_early
    np.testing.assert_allclose(history.losses[0, :taken], single.losses[0], rtol=1e-12)
    np.testing.assert_allclose(history.final_loss[0], single.final_loss[0], rtol=1e-12)
    for p, q in zip(mixed.parameters(), alone.parameters()):
        assert torch.allclose(p[0], q[0], rtol=0, atol=1e-12)


def test_it_trains_on_batches_as_they_come():
    X, y = data()
    one, other = population([0, 1]), population([0, 1])
    batches = [(X[rows], y[rows]) for rows in minibatches([0, 1], len(X), 16, 6)]
    history = train_on(one, batches, steps=100, lr=0.1)
    expected = train(other, X, y, steps=6, lr=0.1, batch_size=16)
    np.testing.assert_array_equal(history.losses, expected.losses)
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters()))


def test_clipping_by_value_is_pytorchs_per_replica():
    g = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    limits = [0.5, 0.1]
    clipped = g.clone()
    clip_value_([clipped], torch.tensor(limits).reshape(-1, 1, 1))
    for k, limit in enumerate(limits):
        parameter = nn.Parameter(torch.zeros(3, 4))
        parameter.grad = g[k].clone()
        nn.utils.clip_grad_value_([parameter], limit)
        assert torch.equal(clipped[k], parameter.grad)


def test_value_clipping_bounds_the_first_step():
    X, y = data()
    net, start = population([0, 1]), population([0, 1])
    train(net, X, y, steps=1, lr=1.0, batch_size=16, clip_value=[1e-3, 1e-2])
    largest = torch.stack(
        [(p - q).abs().amax((1, 2)) for p, q in zip(net.parameters(), start.parameters())]
    ).amax(0)
    assert torch.allclose(largest.detach(), torch.tensor([1e-3, 1e-2], dtype=F64), rtol=1e-9)


def test_minibatches_visit_every_example_once_an_epoch():
    batches = list(minibatches([0, 1], 12, 4, 6))
    assert all(rows.shape == (2, 4) for rows in batches)
    epochs = torch.cat(batches, dim=1).reshape(2, 2, 12)
    assert (epochs.sort(dim=-1).values == torch.arange(12)).all()
    assert not torch.equal(epochs[0, 0], epochs[1, 0])
    assert not torch.equal(epochs[0, 0], epochs[0, 1])


def test_accuracy_is_a_share():
    X, y = data()
    net = population([0, 1])
    before = accuracy(net, X, y)
    train(net, X, y, steps=300, lr=0.05, optimizer="adam", batch_size=32)
    after = accuracy(net, X, y)
    assert before.shape == (2,)
    assert (after > 0.95).all()
    expected = [(net(X)[k].argmax(-1) == y).double().mean() for k in range(2)]
    np.testing.assert_allclose(after, expected)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be an integer >= 1; got 0"),
        ({"lr": 0.0}, ValueError, "lr must be > 0; got 0.0"),
        ({"lr": [0.1] * 3}, ValueError, r"lr must be one number or one per replica, shape \(2,\)"),
        ({"lr": float("nan")}, ValueError, "lr must be finite"),
        ({"optimizer": "rprop"}, ValueError, "optimizer must be one of adam, momentum, sgd"),
        ({"batch_size": 91}, ValueError, "batch_size must be at most 90, the examples; got 91"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1; got 0"),
        ({"clip": -1.0}, ValueError, "clip must be > 0; got -1.0"),
        ({"clip_value": [1.0, 0.0]}, ValueError, "clip_value must be > 0; got 0.0"),
        ({"stop_below": 0}, ValueError, "stop_below must be a finite number > 0"),
        ({"loss": "hinge"}, ValueError, "loss must be one of"),
    ],
)
def test_bad_arguments_say_what_is_allowed(changes, error, message):
    X, y = data()
    with pytest.raises(error, match=message):
        train(population([0, 1]), X, y, **({"steps": 2, "lr": 0.1} | changes))


def test_data_that_cannot_be_is_refused_at_once():
    X, y = data()
    with pytest.raises(ValueError, match="X and y must hold as many examples; got 90 and 80"):
        train(population([0]), X, y[:80], steps=2, lr=0.1)
    X[3, 5] = float("nan")
    with pytest.raises(ValueError, match="X must not hold NaN; got 1 of"):
        train(population([0]), X, y, steps=2, lr=0.1)


def test_progress_shows_only_to_a_person(monkeypatch, capsys):
    from helpers import training

    for name in ("BOOK_BUILD", "PYTEST_VERSION", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(training.sys.stderr, "isatty", lambda: True, raising=False)
    assert not training._quiet()
    monkeypatch.setenv("BOOK_BUILD", "1")
    assert training._quiet()
