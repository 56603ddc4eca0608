import pytest
import torch
from torch.nn import functional

from helpers import losses

F64 = torch.float64


def example():
    g = torch.Generator().manual_seed(0)
    return torch.randn(3, 7, 5, dtype=F64, generator=g), torch.randint(5, (7,), generator=g)


def test_cross_entropy_is_pytorchs():
    logits, y = example()
    ours = losses.cross_entropy(logits, y)
    for k in range(3):
        expected = functional.cross_entropy(logits[k], y, reduction="none")
        assert torch.allclose(ours[k], expected, atol=1e-14)


def test_labels_may_differ_between_replicas():
    logits, y = example()
    shifted = torch.stack([(y + k) % 5 for k in range(3)])
    ours = losses.cross_entropy(logits, shifted)
    for k in range(3):
        assert torch.allclose(ours[k], losses.cross_entropy(logits[k], shifted[k]), atol=1e-14)


def test_squared_error_is_half_the_squared_distance_of_the_probabilities():
    logits, y = example()
    distance = functional.one_hot(y, 5) - logits.softmax(-1)
    expected = 0.5 * torch.linalg.vector_norm(distance, dim=-1) ** 2
    assert torch.allclose(losses.squared_error(logits, y), expected, atol=1e-15)


def test_only_squared_error_goes_quiet_when_confidently_wrong():
    logits = torch.tensor([[[20.0, 0.0, 0.0]]], dtype=F64, requires_grad=True)
    y = torch.tensor([1])
    sizes = {}
    for name in ("cross_entropy", "squared_error"):
        (g,) = torch.autograd.grad(losses.get(name)(logits, y).sum(), logits)
        sizes[name] = float(g.norm())
    assert sizes["cross_entropy"] == pytest.approx(2**0.5, abs=1e-6)
    assert sizes["squared_error"] < 1e-7


def test_an_unknown_loss_is_an_error():
    assert losses.get(losses.squared_error) is losses.squared_error
    with pytest.raises(ValueError, match="loss must be one of cross_entropy, mean_squared_error"):
        losses.get("hinge")


def test_mean_squared_error_is_pytorchs_for_every_example():
    outputs, _ = example()
    y = torch.randn(7, 5, dtype=F64, generator=torch.Generator().manual_seed(1))
    ours = losses.mean_squared_error(outputs, y)
    assert ours.shape == (3, 7)
    for k in range(3):
        assert torch.allclose(ours[k].mean(), functional.mse_loss(outputs[k], y), atol=1e-15)
    assert torch.equal(losses.mean_squared_error(outputs, y.expand(3, 7, 5)), ours)


def test_targets_that_would_broadcast_are_refused():
    outputs, y = example()
    with pytest.raises(ValueError, match=r"y must have shape \(7, 5\) or \(3, 7, 5\)"):
        losses.mean_squared_error(outputs, torch.zeros(7, dtype=F64))
    with pytest.raises(ValueError, match=r"y must have shape \(7,\) or \(3, 7\), one label"):
        losses.cross_entropy(outputs, y[:3])
