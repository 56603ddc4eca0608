import pytest
import torch

from helpers.seeds import check_seeds, generator, seeds


def test_seeds_count_from_their_start(monkeypatch):
    monkeypatch.delenv("BOOK_SEED_OFFSET", raising=False)
    assert seeds(3) == [0, 1, 2]
    assert seeds(2, start=5) == [5, 6]


def test_the_offset_shifts_every_seed(monkeypatch):
    monkeypatch.setenv("BOOK_SEED_OFFSET", "1000")
    assert seeds(3) == [1000, 1001, 1002]
    monkeypatch.setenv("BOOK_SEED_OFFSET", "")
    assert seeds(1) == [0]


@pytest.mark.parametrize("text", ["-5", "1.5", "many"])
def test_an_offset_that_is_no_integer_is_an_error(monkeypatch, text):
    monkeypatch.setenv("BOOK_SEED_OFFSET", text)
    with pytest.raises(ValueError, match=f"BOOK_SEED_OFFSET must be an integer >= 0; got '{text}'"):
        seeds(2)


def test_bad_counts_and_seeds_are_errors():
    with pytest.raises(ValueError, match="n must be an integer >= 1; got 0"):
        seeds(0)
    with pytest.raises(TypeError, match=r"seeds must be a list of integers, such as seeds\(8\)"):
        check_seeds("seeds", 8)
    with pytest.raises(TypeError, match="each of seeds must be an integer >= 0"):
        check_seeds("seeds", [0, 1.5])
    with pytest.raises(ValueError, match="seeds must hold at least one seed"):
        check_seeds("seeds", [])


def test_a_generator_repeats_itself_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, again = (torch.randn(4, generator=generator(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.randn(4, generator=generator(4)))
    assert torch.equal(before, torch.get_rng_state())


def test_a_stream_draws_other_numbers_from_the_same_seed():
    def numbers(seed, stream=""):
        return torch.randn(6, generator=generator(seed, stream)).tolist()

    drawn = [numbers(s, stream) for s in (3, 4) for stream in ("", "data", "chrono")]
    assert len({tuple(d) for d in drawn}) == 6
    assert numbers(3, "data") == drawn[1]
