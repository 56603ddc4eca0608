import math

import numpy as np
import pytest
import torch
from torch import nn

from helpers.recurrent import GRU, LSTM, RNN, Truncated
from helpers.seeds import generator
from helpers.training import accuracy, train, train_on

F64 = torch.float64
N, N_IN, N_OUT, T, BATCH = 9, 3, 2, 17, 5
SHAPE = {"n_in": N_IN, "n_out": N_OUT}


def sequences(*shape, seed=1, dtype=F64):
    return torch.randn(*shape, T, N_IN, dtype=dtype, generator=generator(seed))


def build(kind, seeds=(0, 1, 2), **options):
    options = SHAPE | {"dtype": F64} | options
    if kind == "lstm":
        return LSTM(N, seeds, **options)
    if kind == "gru":
        return GRU(N, seeds, **options)
    return RNN(N, kind, seeds, **options)


def torch_module(kind, seed=0, dtype=F64):
    """PyTorch's recurrent module and readout, drawn by PyTorch from this seed."""
    torch.manual_seed(seed)
    options = {"batch_first": True, "dtype": dtype}
    if kind == "lstm":
        module = nn.LSTM(N_IN, N, **options)
    elif kind == "gru":
        module = nn.GRU(N_IN, N, **options)
    else:
        module = nn.RNN(N_IN, N, nonlinearity=kind, **options)
    return module, nn.Linear(N, N_OUT, dtype=dtype)


KINDS = ["tanh", "relu", "gru", "lstm"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_replica_is_pytorchs_module(kind):
    net = build(kind, readout="every")
    modules = [torch_module(kind, seed) for seed in (11, 12, 13)]
    for k, (module, linear) in enumerate(modules):
        net.load_torch(k, module, linear)
    X = sequences(3, BATCH)
    trace = net.trace(X)
    assert trace.outputs.shape == (3, BATCH, T, N_OUT)
    for k, (module, linear) in enumerate(modules):
        h, last = module(X[k])
        assert torch.allclose(torch.stack(trace.h, 2)[k], h, rtol=0, atol=1e-12)
        assert torch.allclose(trace.outputs[k], linear(h), rtol=0, atol=1e-12)
        if kind == "lstm":
            assert torch.allclose(trace.c[-1][k], last[1][0], rtol=0, atol=1e-12)
        else:
            assert trace.c == []


@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_is_pytorchs(kind):
    net = build(kind, (0,))
    module, linear = torch_module(kind, 5)
    net.load_torch(0, module, linear)
    X = sequences(BATCH)
    net(X).square().sum().backward()
    linear(module(X)[0][:, -1]).square().sum().backward()
    b_in, b_rec = module.bias_ih_l0.grad, module.bias_hh_l0.grad
    expected = {
        "W_in": module.weight_ih_l0.grad.T,
        "W_rec": module.weight_hh_l0.grad.T,
        "b": b_in,
        "b_candidate": b_rec[2 * N :],
        "W_out": linear.weight.grad.T,
        "b_out": linear.bias.grad,
    }
    for name, p in net.named_parameters():
        assert torch.allclose(p.grad[0], expected[name], rtol=0, atol=1e-12), name


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("kind", KINDS)
def test_the_default_is_drawn_as_pytorch_draws_it_bit_for_bit(kind, dtype):
    net = build(kind, (7, 8), dtype=dtype)
    copied = build(kind, (7, 8), dtype=dtype, init="normal")
    for k, seed in enumerate((7, 8)):
        copied.load_torch(k, *torch_module(kind, seed, dtype))
    for p, q in zip(net.parameters(), copied.parameters()):
        assert torch.equal(p, q)


def test_both_forget_slices_at_one_make_a_bias_of_two():
    net = build("lstm", (0,))
    module, _ = torch_module("lstm")
    for bias in (module.bias_ih_l0, module.bias_hh_l0):
        nn.init.ones_(bias[N : 2 * N])
    net.load_torch(0, module)
    assert torch.equal(net.b[0, 0, N : 2 * N], torch.full((N,), 2.0, dtype=F64))


def test_a_linear_network_is_a_power_of_its_matrix():
    net = build("linear", (0, 1), init="normal", gain=0.9, n_in=N)
    net.W_in.data.copy_(torch.eye(N, dtype=F64))
    X = torch.zeros(1, T, N, dtype=F64)
    X[0, 0, 2] = 1.0
    W = net.W_rec.detach()
    expected = torch.linalg.matrix_power(W, T - 1)[:, 2]
    assert torch.allclose(net.trace(X).h[-1][:, 0], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_shared_and_own_inputs_agree(kind):
    net = build(kind)
    X = sequences(BATCH)
    assert torch.allclose(net(X), net(X.expand(3, -1, -1, -1)), atol=1e-14)
    assert net(X).shape == (3, BATCH, N_OUT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("init", ["pytorch_default", "normal", "orthogonal", "spectral_radius"])
def test_a_replica_does_not_depend_on_its_neighbours(kind, init):
    options = {"init": init, "gain": 0.8, "input_sd": 0.3}
    together, alone = build(kind, (3, 4, 5), **options), build(kind, (4,), **options)
    for p, q in zip(together.parameters(), alone.parameters()):
        assert torch.equal(p[1], q[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_gate_gets_a_matrix_of_the_scheme(kind):
    gains = np.array([0.7, 1.0, 2.0])
    blocks = {}
    for init in ("normal", "orthogonal", "identity", "spectral_radius"):
        net = build(kind, init=init, gain=gains)
        blocks[init] = net.W_rec.detach().unflatten(-1, (net.gates, N)).movedim(2, 1)
        assert not net.b.any()
    g = torch.tensor(gains)[:, None, None]
    singular = torch.linalg.svdvals(blocks["orthogonal"])
    assert torch.allclose(singular, g.expand_as(singular), atol=1e-12)
    eye = torch.eye(N, dtype=F64).expand_as(blocks["identity"])
    assert torch.equal(blocks["identity"], g[..., None] * eye)
    radius = torch.linalg.eigvals(blocks["spectral_radius"]).abs().amax(-1)
    assert torch.allclose(radius, g[..., 0].expand_as(radius), atol=1e-12)


def test_normal_weights_have_the_variance_they_promise():
    net = RNN(200, "tanh", range(6), n_in=4, init="normal", gain=1.5, input_sd=0.3, dtype=F64)
    assert float(net.W_rec.detach().var()) == pytest.approx(1.5**2 / 200, rel=0.02)
    assert float(net.W_in.detach().std()) == pytest.approx(0.3, rel=0.05)
    own = RNN(200, "tanh", range(6), n_in=4, init="normal", dtype=F64)
    default = RNN(200, "tanh", range(6), n_in=4, dtype=F64)
    assert torch.equal(own.W_in, default.W_in)
    assert torch.equal(own.W_out, default.W_out)
    assert torch.allclose(net.W_rec, 1.5 * own.W_rec, atol=1e-15)


def test_the_forget_bias_is_the_whole_bias():
    plain = build("lstm")
    net = build("lstm", forget_bias=[0.0, 1.0, 3.0])
    i, f, g, o = net.b.detach().chunk(4, dim=-1)
    assert torch.equal(f[:, 0, 0], torch.tensor([0.0, 1.0, 3.0], dtype=F64))
    assert torch.equal(f, f[..., :1].expand_as(f))
    others = torch.cat([i, g, o], dim=-1)
    assert torch.equal(others, torch.cat([plain.b[..., :N], plain.b[..., 2 * N :]], dim=-1))
    assert torch.equal(net.W_rec, plain.W_rec)


def test_chrono_biases_are_logarithms_of_uniform_times():
    net = LSTM(600, [0, 1], chrono=50, dtype=F64)
    i, f, _, _ = net.b.detach().chunk(4, dim=-1)
    assert torch.equal(i, -f)
    u = f.exp()
    assert 1 <= float(u.min()) < 1.4
    assert 48.6 < float(u.max()) <= 49
    assert float(u.mean()) == pytest.approx(25, abs=2)
    assert not torch.equal(u[0], u[1])
    assert torch.equal(net.W_rec, LSTM(600, [0, 1], dtype=F64).W_rec)


def test_without_a_forget_gate_the_cell_only_adds():
    net = build("lstm", forget_bias=math.inf)
    trace = net.trace(sequences(BATCH))
    i, _, g, _ = torch.stack(trace.z).chunk(4, dim=-1)
    expected = (torch.sigmoid(i) * torch.tanh(g)).cumsum(dim=0)
    assert torch.allclose(torch.stack(trace.c), expected, atol=1e-13)
    y = torch.zeros(3, BATCH, dtype=torch.int64)
    X = sequences(3, BATCH)
    train_on(net, [(X, y)] * 3, steps=3, lr=0.1, optimizer="adam", clip=1.0)
    assert torch.isinf(net.b[..., N : 2 * N]).all()
    assert torch.isfinite(net(X)).all()


def test_the_cell_path_alone_is_the_product_of_the_forget_gates():
    net = build("lstm", cell_path_only=True)
    full = build("lstm")
    X = sequences(BATCH)
    trace = net.trace(X)
    assert torch.equal(trace.outputs, full(X))
    early, late = trace.c[2], trace.c[-1]
    (g,) = torch.autograd.grad(late[..., 4].sum(), early)
    f = torch.sigmoid(torch.stack(trace.z[3:]).chunk(4, dim=-1)[1]).prod(dim=0)
    assert torch.allclose(g[..., 4], f[..., 4], rtol=1e-12)
    assert not g[..., :4].any()


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_truncated_goes_on_where_it_ended_but_its_gradient_does_not(kind):
    net = build(kind, readout="every")
    X = sequences(3, BATCH)
    whole = net(X)
    truncated = Truncated(net)
    pieces = [truncated(X[:, :, :10]), truncated(X[:, :, 10:])]
    assert torch.allclose(torch.cat(pieces, dim=2), whole, atol=1e-14)
    (g,) = torch.autograd.grad(pieces[1].sum(), net.W_in)
    state = tuple(s.detach() for s in list(net.unroll(X[:, :, :10]))[-1][0])
    (expected,) = torch.autograd.grad(net.trace(X[:, :, 10:], state).outputs.sum(), net.W_in)
    assert torch.allclose(g, expected, atol=1e-12)
    truncated.reset()
    assert torch.equal(truncated(X[:, :, :10]), pieces[0])


def test_training_through_truncated_moves_the_network():
    net = build("tanh", readout="every")
    before = net.W_rec.detach().clone()
    X = sequences(3, BATCH)
    y = (X[..., 0] > 0).long()
    train_on(Truncated(net), [(X, y)] * 3, steps=3, lr=0.1, clip=1.0)
    assert not torch.equal(net.W_rec, before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_population_trains_as_pytorchs_modules_would(kind):
    seeds, rates, steps = (4, 9), (0.05, 0.2), 6
    net = build(kind, seeds)
    X = sequences(2, BATCH)
    y = torch.tensor([0, 1, 1, 0, 1]).expand(2, BATCH)
    history = train_on(net, [(X, y)] * steps, steps=steps, lr=rates, clip=0.3)
    for k, (seed, lr) in enumerate(zip(seeds, rates)):
        single = build(kind, (seed,))
        parameters = list(single.parameters())
        update = torch.optim.SGD(parameters, lr)
        for step in range(steps):
            loss = nn.functional.cross_entropy(single(X[k])[0], y[k])
            update.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 0.3)
            update.step()
            assert history.losses[k, step] == pytest.approx(float(loss.detach()), abs=1e-12)
        for p, q in zip(net.parameters(), parameters):
            assert torch.allclose(p[k], q[0], rtol=0, atol=1e-12)


def test_a_replica_that_has_solved_its_task_leaves():
    net = build("gru", (0, 1, 2))
    X = sequences(3, BATCH)
    y = (X[..., -1, 0] > 0).long()
    history = train_on(
        net, [(X, y)] * 200, steps=200, lr=[0.1, 1e-9, 0.02], optimizer="adam", stop_below=0.1
    )
    assert history.solved.tolist() == [True, False, True]
    assert history.solved_at[0] < history.solved_at[2]
    assert history.losses.shape == (3, 200)


def test_it_trains_on_a_data_set_and_answers_at_every_step():
    X = sequences(40)
    y = (X[..., 0] > 0).long()
    net = build("tanh", readout="every")
    before = accuracy(net, X, y)
    train(net, X, y, steps=60, lr=0.03, optimizer="adam", batch_size=20)
    after = accuracy(net, X, y)
    assert (after > before + 0.2).all()
    right = (net(X).argmax(-1) == y).double().mean(dim=(1, 2))
    np.testing.assert_allclose(after, right)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RNN(0, "tanh", [0]), ValueError, "width must be an integer >= 1; got 0"),
        (lambda: RNN(4, "softsign", [0]), ValueError, "activation must be one of"),
        (lambda: RNN(4, "tanh", []), ValueError, "seeds must hold at least one seed"),
        (lambda: RNN(4, "tanh", [0], init="xavier"), ValueError, "init must be one of identity"),
        (lambda: RNN(4, "tanh", [0], readout="all"), ValueError, "readout must be one of every"),
        (lambda: RNN(4, "tanh", [0], gain=-1), ValueError, "gain must be a finite number >= 0"),
        (lambda: RNN(4, "tanh", [0], gain=[1, 2]), ValueError, "gain must be one number or one"),
        (lambda: RNN(4, "tanh", [0], input_sd=-1), ValueError, "input_sd must be a finite number"),
        (lambda: LSTM(4, [0], forget_bias=math.nan), ValueError, "forget_bias must not be NaN"),
        (lambda: LSTM(4, [0], chrono=2), ValueError, "chrono must be > 2 time steps; got 2"),
        (lambda: LSTM(4, [0], chrono=9, forget_bias=1), ValueError, "exclude each other"),
    ],
)
def test_bad_shapes_are_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (torch.zeros(5, 7, 2), ValueError, r"X must have shape \(batch, time, 1\) or \(2, batch,"),
        (torch.zeros(3, 5, 7, 1), ValueError, r"X must have shape .*; got \(3, 5, 7, 1\)"),
        (torch.zeros(5, 1), ValueError, r"X must have shape .*; got \(5, 1\)"),
        (torch.zeros(5, 0, 1), ValueError, r"X must have shape .*; got \(5, 0, 1\)"),
        (torch.zeros(5, 7, 1, dtype=F64), TypeError, "X must be torch.float32, like the weights"),
        (torch.full((5, 7, 1), math.nan), ValueError, "X must not hold NaN; got 35 of 35"),
        ([[[0.0]]], TypeError, "X must be a torch.Tensor; got list"),
    ],
)
def test_bad_inputs_are_errors(X, error, message):
    with pytest.raises(error, match=message):
        GRU(4, [0, 1])(X)


def test_a_module_that_does_not_fit_is_refused():
    net = build("gru")
    with pytest.raises(TypeError, match=r"module must be a torch\.nn\.GRU; got LSTM"):
        net.load_torch(0, torch_module("lstm")[0])
    for other in (nn.GRU(N_IN, N + 1), nn.GRU(N_IN, N, 2), nn.GRU(N_IN, N, bias=False)):
        with pytest.raises(ValueError, match="module must have parameters of shapes"):
            net.load_torch(0, other)
