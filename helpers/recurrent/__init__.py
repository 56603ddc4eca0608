"""Recurrent networks: a population of RNNs, GRUs or LSTMs, one leading axis for the replicas.

Written out step by step and not through `nn.RNN` and its kin, because the gradient is measured at
every step; with the replicas in one product this is as fast as PyTorch's fused LSTM, seed by seed.
"""

from helpers.recurrent.cells import GRU, LSTM, RNN
from helpers.recurrent.truncated import Truncated
from helpers.recurrent.unrolled import Recurrent, State, Trace

__all__ = ["GRU", "LSTM", "RNN", "Recurrent", "State", "Trace", "Truncated"]
