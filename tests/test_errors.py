"""Names that are safe to show, and parsers' errors as one line."""

import pytest

from inpaint_tf.errors import UserError, printable, reading, reason


@pytest.mark.parametrize(
    "name, shown",
    [
        ("photo 1.png", "photo 1.png"),
        ("\x1b[2Jcat\n.png", "\\x1b[2Jcat\\x0a.png"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\udcff\x9b\u2028", "a\\xff\\x9b\\u2028"),
        ("Größe 日本 👩‍🎨.png", "Größe 日本 👩‍🎨.png"),
    ],
)
def test_what_moves_a_cursor_or_hides_is_escaped(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), MemoryError(), ValueError("a\nb\x1b" * 900)])
def test_whatever_a_parser_throws_is_one_line(error):
    with pytest.raises(UserError) as caught, reading("dir/\x1bfile", "a manifest", "Make it again."):
        raise error
    message = str(caught.value)
    assert message.startswith("dir/\\x1bfile cannot be read as a manifest: ") and message.endswith(". Make it again.")
    assert "\n" not in message and "\x1b" not in message and len(message) < 320


def test_a_missing_file_and_an_error_for_people_stay_what_they_are():
    with pytest.raises(UserError, match="^here does not exist.$"), reading("here", "a list"):
        raise FileNotFoundError(2, "No such file or directory")
    with pytest.raises(UserError, match="^mine$"), reading("here", "a list"):
        raise UserError("mine")


def test_reasons():
    assert reason(OSError(28, "No space left on device")) == "No space left on device"
    assert reason(KeyError("width")) == "'width' is missing"
    assert reason(RecursionError()) == "RecursionError"
