from evaluation.markup import Section, document, grid, links_to, paragraph, picture, table


def test_texts_are_escaped_and_a_page_fetches_nothing() -> None:
    section = Section(
        "one", "A <b>", paragraph("x < y", "quiet") + table([["h"], ["<i>"]]) + picture("<svg/>", "a & b")
    )
    page = document("T <", [links_to([section]), grid([section.html()])], ".own{}")
    for text in (
        "A &lt;b&gt;",
        "x &lt; y",
        "<td>&lt;i&gt;</td>",
        "a &amp; b",
        "<title>T &lt;</title>",
        'href="#one"',
        ".own{}",
    ):
        assert text in page
    assert "http" not in page
    assert "<script" not in page
