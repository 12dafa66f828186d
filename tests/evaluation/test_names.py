from evaluation.names import naming_column, shortened


def test_the_usual_columns_name_a_row_in_their_order() -> None:
    assert naming_column(["price", "Name", "Title"]) == "Title"
    assert naming_column(["brand", "description"]) == "description"
    assert naming_column(["brand"]) is None


def test_a_name_is_one_short_line() -> None:
    assert shortened("a  b\n" + "c" * 99) == "a b " + "c" * 65 + "…"
