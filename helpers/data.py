"""The data of the course. Nothing is downloaded: the digits come with scikit-learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from helpers.checks import positive_int

__all__ = ["Digits", "digits"]

# The split belongs to the data set, as in MNIST: it is the same for every seed of the book.
SPLIT_SEED = 0


class Digits(NamedTuple):
    """Images and labels, split into a part to train on and a part to test on."""

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor


def digits(n_test: int = 500, dtype: torch.dtype = torch.float32) -> Digits:
    """Return scikit-learn's 8x8 handwritten digits, centred and on one global scale.

    The mean training image is subtracted and everything is divided by one number, so that the
    mean square of the training pixels is exactly 1 (up to rounding). A scale per pixel would blow
    up the corners, which are almost always blank.

    Parameters
    ----------
    n_test
        Images kept for testing, 10 to 1787; the split is fixed and stratified by digit.
    dtype
        Floating type of the images.

    Returns
    -------
    Digits
        X_train (1797 - n_test, 64), y_train (1797 - n_test,), X_test (n_test, 64),
        y_test (n_test,); labels are 0 to 9 (torch.int64).

    Raises
    ------
    TypeError, ValueError
        If `n_test` is not an integer from 10 to 1787, or `dtype` is not a floating type.

    References
    ----------
    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI.
    """
    images, labels = load_digits(return_X_y=True)
    largest = len(labels) - 10
    if positive_int("n_test", n_test, minimum=10) > largest:
        raise ValueError(f"n_test must be an integer from 10 to {largest}; got {n_test}")
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating type, such as torch.float32; got {dtype}")
    X_train, X_test, y_train, y_test = train_test_split(
        images, labels, test_size=n_test, random_state=SPLIT_SEED, stratify=labels
    )
    mean = X_train.mean(axis=0)
    scale = np.sqrt(np.mean((X_train - mean) ** 2))
    return Digits(
        torch.tensor((X_train - mean) / scale, dtype=dtype),
        torch.tensor(y_train),
        torch.tensor((X_test - mean) / scale, dtype=dtype),
        torch.tensor(y_test),
    )
