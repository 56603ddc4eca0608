import pytest
import torch

from helpers.data import digits


def test_digits_are_centred_on_one_global_scale():
    data = digits(dtype=torch.float64)
    assert data.X_train.shape == (1297, 64)
    assert data.X_test.shape == (500, 64)
    assert data.X_train.mean(dim=0).abs().max() < 1e-13
    assert float((data.X_train**2).mean()) == pytest.approx(1, abs=1e-12)
    # One scale for all pixels: their spreads stay as unequal as they are in the images.
    spreads = data.X_train.std(dim=0)
    assert spreads.min() == 0
    assert spreads.max() > 1.2


def test_the_split_is_fixed_stratified_and_disjoint():
    data, again = digits(), digits()
    assert torch.equal(data.X_test, again.X_test)
    assert data.y_test.bincount().min() >= 48
    assert data.y_train.dtype == torch.int64
    train = {tuple(row.tolist()) for row in data.X_train}
    assert not any(tuple(row.tolist()) in train for row in data.X_test)


@pytest.mark.parametrize("n_test", [9, 1788])
def test_a_split_needs_both_parts(n_test):
    with pytest.raises(ValueError, match="n_test must be an integer"):
        digits(n_test=n_test)


def test_images_are_floating():
    with pytest.raises(ValueError, match=r"dtype must be a floating type.*got torch.int64"):
        digits(dtype=torch.int64)
