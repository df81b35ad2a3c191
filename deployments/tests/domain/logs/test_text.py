from deployments.domain.logs.text import LINE_LIMIT, readable


def test_colours_titles_and_links_are_left_out() -> None:
    assert readable("\x1b[31mERROR\x1b[0m bad \x1b[1;38;5;208mthing\x1b[m") == "ERROR bad thing"
    assert (
        readable("\x1b]0;title\x07a \x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\ \x1b[2K\x1b[1Ab\x1b(B")
        == "a link b"
    )


def test_a_progress_bar_is_shown_as_it_stood_last() -> None:
    assert readable(" 10%|#   | 1/10\r 50%|##  | 5/10\r100%|####| 10/10") == "100%|####| 10/10"
    assert readable("done\r") == "done"
    assert readable("done\r\x1b[K") == "done"
    assert readable("\r") == ""


def test_other_controls_are_seen() -> None:
    assert readable("a\x00b\x07\tc\ud800") == "a\ufffdb\ufffd\tc\ufffd"


def test_a_long_line_says_where_it_was_cut() -> None:
    said = readable("x" * (LINE_LIMIT + 1234))
    assert said == "x" * LINE_LIMIT + "… [1,234 more characters were cut here]"
    assert readable("x" * LINE_LIMIT) == "x" * LINE_LIMIT
    assert readable("abc", is_cut=True) == "abc… [the line is longer: its end was not fetched]"
