import pytest

from inpaint_tf.commands.sizes import parse_bytes
from inpaint_tf.errors import UserError


@pytest.mark.parametrize(
    "text,expected", [("1.5GiB", 1610612736), ("800 MB", 800_000_000), ("2g", 2**31), ("4096", 4096), (None, None)]
)
def test_amounts(text, expected):
    assert parse_bytes(text, "memory_budget") == expected


@pytest.mark.parametrize("text", ["much", "-1GiB", "1.5TB", "0", ""])
def test_what_is_no_amount_is_named(text):
    with pytest.raises(UserError, match="--memory_budget="):
        parse_bytes(text, "memory_budget")
