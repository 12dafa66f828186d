from index.page import page, section, table


def test_texts_of_a_table_are_escaped() -> None:
    assert "<td>&lt;b&gt;</td><td>1</td>" in table(("a", "b"), [("<b>", 1)])


def test_a_page_holds_its_sections_in_order_and_fetches_nothing() -> None:
    text = page("T", "S", [section("One", "", "<p>1</p>"), section("Two", "note", "<p>2</p>")])
    assert text.index("<h2>One</h2>") < text.index("<h2>Two</h2>") < text.index("<p>2</p>")
    assert text.count("<p>note</p>") == 1
    assert "http" not in text
    assert "<script" not in text
