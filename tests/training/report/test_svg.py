"""Legends that the figure is wide enough for."""

import pytest

from training.report.svg import figure, legend_below, style


@pytest.mark.parametrize("labels", [["other", *map(str, range(120, 127))], ["m" * 24] * 8, ["one", "two"]])
def test_a_legend_stays_inside_its_figure(labels: list[str]) -> None:
    with style():
        drawn, axes = figure("t", "x", "y")
        for label in labels:
            axes.plot([0], [0], "o", label=label)
        legend_below(drawn)
        drawn.draw_without_rendering()
        (legend,) = drawn.legends
        place, most = legend.get_window_extent(), drawn.bbox
        assert most.x0 <= place.x0 and place.x1 <= most.x1 and most.y0 <= place.y0
        assert place.y1 <= axes.get_window_extent().y0
    assert [text.get_text() for text in legend.get_texts()] == labels


def test_a_legend_takes_no_more_rows_than_it_needs_and_fills_them_alike() -> None:
    with style():
        drawn, axes = figure("t", "x", "y")
        for number in range(8):
            axes.plot([0], [0], "o", label=str(100 + number))
        legend_below(drawn)
        drawn.draw_without_rendering()
        rows = [round(text.get_window_extent().y0) for text in drawn.legends[0].get_texts()]
    assert [rows.count(row) for row in sorted(set(rows))] == [4, 4]
