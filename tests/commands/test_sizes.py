import pytest

from inpaint_tf.commands.sizes import parse_bytes, parse_pixels
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


@pytest.mark.parametrize("text, pixels", [("200M", 200_000_000), ("64e6", 64_000_000), ("1000", 1000), ("0.5 k", 500)])
def test_pixels(text, pixels):
    assert parse_pixels(text, "max_pixels") == pixels and parse_pixels(None, "max_pixels") is None


@pytest.mark.parametrize("text", ["", "0", "-1", "many", "1e99"])
def test_no_number_of_pixels(text):
    with pytest.raises(UserError, match="--max_pixels="):
        parse_pixels(text, "max_pixels")
