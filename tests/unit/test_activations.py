"""One table in two libraries: equal to each other, to autograd and to finite differences."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn

from helpers.activations import ACTIVATIONS, Activation, get

F64 = torch.float64
NAMES = sorted(ACTIVATIONS)
FAR = [1e2, 1e3, 1e8, 1e100]
Z = np.concatenate([np.linspace(-12, 12, 481), [1e-12, -1e-12, 1e-300], FAR, -np.array(FAR)])
MODULES = {
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "linear": nn.Identity(),
}


def test_the_table_knows_its_names():
    assert sorted(MODULES) == NAMES
    assert all(ACTIVATIONS[name].name == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_functions_are_those_of_pytorch(name):
    z = torch.tensor(Z)
    assert torch.equal(get(name)(z), MODULES[name](z))
    assert torch.equal(get(name).torch_function(z), MODULES[name](z))


@pytest.mark.parametrize("name", NAMES)
def test_the_numpy_form_is_the_torch_form(name):
    phi, z = get(name), torch.tensor(Z)
    tail = 1e-15 if name == "gelu" else 1e-300  # PyTorch's GELU takes 1 + erf, and loses the tail
    for numpy_form, torch_form in (
        (phi.function, phi.torch_function),
        (phi.derivative, phi.torch_derivative),
    ):
        ours = numpy_form(Z)
        assert ours.dtype == np.float64
        assert ours.shape == Z.shape
        np.testing.assert_allclose(ours, torch_form(z).numpy(), rtol=1e-12, atol=tail)


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_is_that_of_autograd(name):
    z = torch.tensor(np.append(Z, 0.0), requires_grad=True)
    (slope,) = torch.autograd.grad(get(name)(z).sum(), z)
    ours = get(name).torch_derivative(z).detach()
    np.testing.assert_allclose(ours.numpy(), slope.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_is_the_slope(name):
    z, h = np.linspace(-6, 6, 400), 1e-5  # no grid point within h of the kink at 0
    phi = get(name)
    slope = (phi.function(z + h) - phi.function(z - h)) / (2 * h)
    np.testing.assert_allclose(phi.derivative(z), slope, atol=2e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_nothing_is_nan_or_infinite_far_out(name, dtype):
    far = torch.tensor([s * x for x in (1e2, 1e4, 1e18) for s in (-1, 1)], dtype=dtype)
    phi = get(name)
    for values in (phi(far), phi.torch_derivative(far)):
        assert values.dtype == dtype
        assert bool(torch.isfinite(values).all())
    for values in (phi.function(far.double().numpy()), phi.derivative(far.double().numpy())):
        assert np.isfinite(values).all()


@pytest.mark.parametrize("x", [20.0, 40.0, 300.0])
def test_saturated_slopes_keep_their_digits(x):
    # 1 - tanh^2 would be 0 from x = 19 on
    assert get("tanh").derivative(np.array(x)) == pytest.approx(
        4 * np.exp(-2 * x), rel=1e-12, abs=0
    )
    assert get("sigmoid").derivative(np.array(-x)) == pytest.approx(expit(-x), rel=1e-8, abs=0)
    slope = get("tanh").torch_derivative(torch.tensor(-x, dtype=F64))
    assert float(slope) == pytest.approx(4 * np.exp(-2 * x), rel=1e-12, abs=0)


def test_an_activation_of_your_own_passes_through():
    mine = Activation("sine", np.sin, np.cos, torch.sin, torch.cos)
    assert get(mine) is mine
    assert torch.equal(mine(torch.ones(2)), torch.sin(torch.ones(2)))


@pytest.mark.parametrize("name", ["selu2", "ReLU", "", None, 3])
def test_an_unknown_name_is_answered_with_the_table(name):
    with pytest.raises(ValueError, match=r"activation must be one of elu, gelu, .*tanh; got "):
        get(name)
