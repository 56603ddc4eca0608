"""Places that no submission may touch, for every test that hands in something hostile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks.places import TOKEN, Places, places


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """A secret file and variable, a folder, a port: on the machine that grades."""
    with places(tmp_path_factory.mktemp("grader")) as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKEN_OF_THE_GRADER", TOKEN)
        yield made
