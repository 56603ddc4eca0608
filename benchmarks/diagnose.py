"""What a diagnosis costs, as a multiple of one forward and backward pass of the same network.

Both are timed in turn in one process, so that a busy machine slows both; the median of the ratios
is printed. Run from the repository's root: python benchmarks/diagnose.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.diagnose import diagnose

ROUNDS = 15


def mlp(depth: int, width: int) -> nn.Module:
    """Return a ReLU network with `depth` hidden layers."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def cnn(depth: int, width: int) -> nn.Module:
    """Return a convolutional network with batch normalization."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
    for _ in range(depth):
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers += [nn.Conv2d(width, width, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


class Last(nn.Module):
    """A recurrent layer read at its last step."""

    def __init__(self, core: nn.RNNBase) -> None:
        super().__init__()
        self.core, self.head = core, nn.Linear(core.hidden_size, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (batch, 10)."""
        logits: Tensor = self.head(self.core(x)[0][:, -1])
        return logits


def encoder(depth: int, width: int) -> nn.Module:
    """Return torch's transformer encoder with a head on all positions."""
    layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
    stack = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
    return nn.Sequential(stack, nn.Flatten(), nn.Linear(32 * width, 10))


def cases() -> dict[str, tuple[nn.Module, Tensor]]:
    """Return the networks and their inputs by name."""
    return {
        "MLP 10 x 64, batch 64": (mlp(10, 64), torch.randn(64, 64)),
        "MLP 10 x 256, batch 128": (mlp(10, 256), torch.randn(128, 256)),
        "MLP 30 x 512, batch 256": (mlp(30, 512), torch.randn(256, 512)),
        "CNN 8 x 32, 32 x 32, batch 16": (cnn(8, 32), torch.randn(16, 3, 32, 32)),
        "RNN 64, 50 steps, batch 32": (
            Last(nn.RNN(16, 64, batch_first=True)), torch.randn(32, 50, 16),
        ),
        "LSTM 64, 50 steps, batch 32": (
            Last(nn.LSTM(16, 64, batch_first=True)), torch.randn(32, 50, 16),
        ),
        "GRU 2 x 128, 50 steps, batch 32": (
            Last(nn.GRU(16, 128, 2, batch_first=True)), torch.randn(32, 50, 16),
        ),
        "encoder 4 x 128, 32 words, batch 16": (encoder(4, 128), torch.randn(16, 32, 128)),
    }  # fmt: skip


def seconds(run: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def ratio(model: nn.Module, x: Tensor) -> tuple[float, float]:
    """Return the cost of a diagnosis over that of a forward and backward pass, and the latter."""
    y = torch.randint(0, 10, (len(x),))

    def train() -> None:
        model.zero_grad()
        cross_entropy(model(x), y).backward()

    def doctor() -> None:
        diagnose(model, cross_entropy, x, y)

    train(), doctor()
    pairs = [(seconds(train), seconds(doctor)) for _ in range(ROUNDS)]
    return median(b / a for a, b in pairs), median(a for a, _ in pairs)


def main() -> None:
    """Print a line per network."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (model, x) in cases().items():
        cost, once = ratio(model, x)
        print(f"{name:<38} {1e3 * once:8.1f} ms   diagnosis x{cost:.2f}")


if __name__ == "__main__":
    main()
