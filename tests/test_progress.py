import io

from inpaint_tf.progress import duration, progress, progress_line


def test_line_tells_rate_and_time_left():
    # 10 of 40 in 5 s: 2 a second, 30 more take 15 s.
    assert progress_line(10, 40, "photo", 5.0) == "photo 10/40  2.0 a second  15 s left"
    assert progress_line(1, 4, "photo", 30.0) == "photo 1/4  30.0 s each  1 min 30 s left"


def test_durations():
    assert [duration(s) for s in (0.4, 59, 60, 3599, 3600, 7500)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "59 min 59 s",
        "1 h 00 min",
        "2 h 05 min",
    ]


def test_yields_everything_and_ends_with_the_total():
    said = io.StringIO()
    assert list(progress(range(5), 5, "photo", said)) == [0, 1, 2, 3, 4]
    assert said.getvalue().splitlines()[-1].startswith("photo 5/5 ")
    quiet = io.StringIO()
    assert list(progress([7], 1, "photo", quiet)) == [7] and quiet.getvalue() == ""
