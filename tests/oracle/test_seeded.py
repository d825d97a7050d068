"""Every known mistake is found. `python -m tests.oracle.seeded` searches longer and names the seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.mistakes import MISTAKES, Mistake
from tests.oracle.seeded import search, with_mistake


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_the_mistake_fits_the_code(mistake: Mistake, tmp_path: Path) -> None:
    """Code moves on; a mistake that can no longer be put in would count as found."""
    with_mistake(mistake, tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_it_is_found(mistake: Mistake) -> None:
    """Whatever finds nothing in wrong code proves nothing of right code."""
    assert search(mistake).seed is not None
