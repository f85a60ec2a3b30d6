"""The half that a file belongs to."""

import pytest

from c3n_model.experiments.zero_shot.halves import file_in_half, picture_in_half, tuned_on


def test_only_listed_images_are_in_the_tuning_half():
    listed = min(tuned_on())
    assert picture_in_half(listed, tuning=True) and not picture_in_half(listed, tuning=False)
    assert picture_in_half("other", tuning=False) and not picture_in_half("other", tuning=True)


# By hand: python -c "import zlib; print(zlib.crc32(b'cow') % 2)". A file that moved would be tuned on and reported on.
@pytest.mark.parametrize(("name", "tuning"), [("cow", False), ("goat", False), ("pig", True), ("violin", True)])
def test_other_files_keep_their_half(name, tuning):
    assert file_in_half(name, tuning) and not file_in_half(name, not tuning)
