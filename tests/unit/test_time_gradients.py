import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers import theory
from helpers.recurrent import GRU, LSTM, RNN
from helpers.seeds import generator
from helpers.time_gradients import per_step_slope, step_jacobians, time_gradients

F64 = torch.float64
N, N_IN, N_OUT, T, BATCH, SEEDS = 7, 3, 4, 12, 5, (0, 1)
CELLS = {"tanh": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


def build(kind, **options):
    options = {"n_in": N_IN, "n_out": N_OUT, "dtype": F64} | options
    if kind == "lstm":
        return LSTM(N, SEEDS, **options)
    return GRU(N, SEEDS, **options) if kind == "gru" else RNN(N, kind, SEEDS, **options)


@pytest.fixture
def problem():
    g = generator(3)
    X = torch.randn(BATCH, T, N_IN, dtype=F64, generator=g)
    return X, torch.randint(N_OUT, (BATCH,), generator=g)


def cells_of(net, kind, k):
    """A copy of replica k for every time step: their gradients are the parts of dL/dW_rec."""
    cells = [CELLS[kind](N_IN, N, dtype=F64) for _ in range(T)]
    for cell in cells:
        cell.weight_ih.data, cell.weight_hh.data = net.W_in[k].T.clone(), net.W_rec[k].T.clone()
        cell.bias_ih.data, cell.bias_hh.data = net.b[k, 0].clone(), torch.zeros_like(net.b[k, 0])
        if kind == "gru":
            cell.bias_hh.data[2 * N :] = net.b_candidate[k, 0]
    return cells


@pytest.mark.parametrize("kind", CELLS)
def test_norms_are_those_of_pytorchs_cells(kind, problem):
    X, y = problem
    net = build(kind)
    ours = time_gradients(net, X, y)
    assert (ours.cell is None) == (kind != "lstm")
    for k in range(len(SEEDS)):
        cells, states, cell_states = cells_of(net, kind, k), [], []
        state = None
        for t, cell in enumerate(cells):
            state = cell(X[:, t], state)
            states.append(state[0] if kind == "lstm" else state)
            cell_states += [state[1]] if kind == "lstm" else []
        logits = states[-1] @ net.W_out[k].detach() + net.b_out[k].detach()
        loss = functional.cross_entropy(logits, y)
        wanted = [*states, *cell_states, *(cell.weight_hh for cell in cells)]
        g = torch.autograd.grad(loss, wanted)
        sizes = np.array([float((BATCH * d).norm() / BATCH**0.5) for d in g[:-T]])
        np.testing.assert_allclose(ours.hidden[k], sizes[:T], rtol=1e-11)
        if kind == "lstm":
            np.testing.assert_allclose(ours.cell[k], sizes[T:], rtol=1e-11)
        parts = [float(d.norm()) for d in g[-T:]]
        np.testing.assert_allclose(ours.recurrent_parts[k], parts, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize(("kind", "module"), [("tanh", nn.RNN), ("lstm", nn.LSTM)])
def test_the_first_step_is_that_of_the_whole_module(kind, module, problem):
    X, y = problem
    net = build(kind)
    whole = module(N_IN, N, batch_first=True, dtype=F64)
    linear = nn.Linear(N, N_OUT, dtype=F64)
    net.load_torch(1, whole, linear)
    start = torch.zeros(1, BATCH, N, dtype=F64, requires_grad=True)
    _, state = whole(X[:, :1], start if kind == "tanh" else (start, torch.zeros_like(start)))
    first = state if kind == "tanh" else state[0]
    first.retain_grad()
    out = whole(X[:, 1:], first if kind == "tanh" else (first, state[1].detach()))[0]
    functional.cross_entropy(linear(out[:, -1]), y).backward()
    expected = float((BATCH * first.grad).norm() / BATCH**0.5)
    assert time_gradients(net, X, y).hidden[1, 0] == pytest.approx(expected, rel=1e-11)


def test_without_a_loss_the_outputs_are_summed(problem):
    X, _ = problem
    net = build("tanh")
    ours = time_gradients(net, X)
    direction = net.W_out.detach().sum(dim=-1).norm(dim=-1)
    np.testing.assert_allclose(ours.hidden[:, -1], direction, rtol=1e-13)


def test_a_loss_at_every_step_and_a_regression_work_too(problem):
    X, y = problem
    labels = y[:, None].expand(-1, T)
    net = build("tanh", readout="every")
    ours = time_gradients(net, X, labels)
    trace = net.trace(X)
    flat = trace.outputs[0].reshape(-1, N_OUT)
    loss = functional.cross_entropy(flat, labels.reshape(-1))
    g = torch.autograd.grad(loss, trace.h[3])[0][0]
    assert ours.hidden[0, 3] == pytest.approx(float(g.norm() * BATCH**0.5), rel=1e-12)
    targets = torch.zeros(BATCH, N_OUT, dtype=F64)
    regression = time_gradients(build("tanh"), X, targets, "mean_squared_error")
    assert (regression.hidden > 0).all()


def test_measuring_leaves_no_trace(problem):
    net = build("lstm")
    before = [p.detach().clone() for p in net.parameters()]
    time_gradients(net, *problem)
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), before))


def test_the_cell_path_alone_leaves_the_hidden_states_without_gradient(problem):
    ours = time_gradients(build("lstm", cell_path_only=True, forget_bias=1.0), *problem)
    assert not ours.hidden[:, :-1].any()
    assert (ours.cell > 0).all()


def test_an_orthogonal_linear_network_shrinks_by_its_gain_at_every_step(problem):
    X, y = problem
    net = build("linear", init="orthogonal", gain=[0.9, 1.2])
    ours = time_gradients(net, X, y)
    slopes = per_step_slope(ours.hidden)
    np.testing.assert_allclose(slopes, np.log([0.9, 1.2]), rtol=1e-11)
    factors = ours.hidden[:, :-1] / ours.hidden[:, 1:]
    np.testing.assert_allclose(factors, np.outer([0.9, 1.2], np.ones(T - 1)), rtol=1e-11)


def test_the_long_term_share_is_what_lies_far_back(problem):
    ours = time_gradients(build("tanh"), *problem)
    parts = ours.recurrent_parts
    np.testing.assert_allclose(ours.long_term_share(0), 1.0)
    expected = parts[:, : T - 4].sum(axis=1) / parts.sum(axis=1)
    np.testing.assert_allclose(ours.long_term_share(4), expected, rtol=1e-13)
    assert not ours.long_term_share(T).any()


def test_the_slope_may_be_fitted_over_some_lags_only():
    lags = np.arange(20)[::-1]
    norms = np.where(lags < 5, 1.0, np.exp(-0.3 * (lags - 5)))
    assert per_step_slope(norms, (5, 19)) == pytest.approx(-0.3, rel=1e-12)
    assert per_step_slope(norms, (0, 4)) == pytest.approx(0, abs=1e-12)
    assert -0.3 < per_step_slope(norms) < 0


def test_step_jacobians_multiply_to_the_gradient(problem):
    X, _ = problem
    net = build("tanh", init="normal", gain=1.3)
    jacobians = list(step_jacobians(net, X[:1]))
    assert len(jacobians) == T
    assert jacobians[0].shape == (2, N, N)
    trace = net.trace(X[:1])
    for unit in (0, 4):
        (g,) = torch.autograd.grad(trace.h[5][0, 0, unit], trace.h[2], retain_graph=True)
        product = jacobians[5][0] @ jacobians[4][0] @ jacobians[3][0]
        np.testing.assert_allclose(product[unit], g[0, 0], rtol=1e-12, atol=1e-16)


def test_the_gradient_slope_is_the_lyapunov_exponent():
    net = RNN(50, "tanh", [0, 1, 2], n_in=50, init="normal", gain=2.0, dtype=F64)
    net.W_in.data.copy_(torch.eye(50, dtype=F64))
    X = 0.3 * torch.randn(1, 400, 50, dtype=F64, generator=generator(1))
    slope = per_step_slope(time_gradients(net, X).hidden, (50, 350))
    exponent = theory.lyapunov_exponents(step_jacobians(net, X), skip=50)[:, 0]
    np.testing.assert_allclose(slope, exponent, atol=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: per_step_slope([1.0, 0.5], (0, 2)), "lags must be 0 <= first < last < 2"),
        (lambda: per_step_slope([1.0]), "lags must be 0 <= first < last < 1"),
        (lambda: per_step_slope([1.0, 0.0]), "norms must be above 0; got 1 values"),
        (
            lambda: list(step_jacobians(build("tanh"), torch.zeros(2, T, N_IN, dtype=F64))),
            r"X must hold one sequence, \(1, time, n_in\); got shape \(2, 12, 3\)",
        ),
        (
            lambda: time_gradients(
                build("tanh"), torch.zeros(2, T, N_IN, dtype=F64), torch.zeros(3, dtype=torch.int64)
            ),
            "y must have shape",
        ),
    ],
)
def test_bad_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()
