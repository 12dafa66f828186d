import re
import xml.etree.ElementTree as ET

from index.front_plot import HEIGHT, WIDTH, Spot, front_plot

SPOTS = [
    Spot("ivf", "nprobe 1", 10, 0.5, False),
    Spot("ivf", "nprobe <16>", 100, 0.9, True),
    Spot("flat", "none", 1_000, 1.0, False),
]


def circles(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="[46]"[^>/]*><title', svg)
    ]


def test_cost_grows_to_the_right_by_powers_and_recall_upwards_within_the_frame() -> None:
    first, second, third = circles(front_plot(SPOTS))
    assert second[0] - first[0] == third[0] - second[0] > 0
    assert first[1] > second[1] > third[1]
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in (first, second, third))


def test_it_is_well_formed_and_says_every_setting() -> None:
    svg = ET.fromstring(front_plot(SPOTS, target=0.95))
    assert [title.text for title in svg.iter("title")] == [
        "nprobe 1: recall 0.5000, 10 µs",
        "nprobe <16>: recall 0.9000, 100 µs",
        "none: recall 1.0000, 1,000 µs",
    ]
    assert [text.text for text in svg.iter("text")][-2:] == ["ivf", "flat"]


def test_the_target_lies_between_what_misses_and_what_meets_it() -> None:
    svg = front_plot(SPOTS, target=0.95)
    found = re.search(r'd="M52 ([\d.]+)H\d+" stroke="currentColor" stroke-dasharray', svg)
    assert found is not None
    assert circles(svg)[1][1] > float(found[1]) > circles(svg)[2][1]
    assert "stroke-dasharray" not in front_plot(SPOTS)


def test_one_setting_of_no_measurable_cost_is_drawn() -> None:
    assert len(circles(front_plot([Spot("flat", "none", 0, 1.0, True)]))) == 1
