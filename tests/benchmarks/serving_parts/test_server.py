import tomllib

import pytest

from benchmarks.serving_parts.server import percentile, toml_of


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.001, 1), (0.0, 1)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


def test_settings_are_read_back_as_they_were_told() -> None:
    sections: dict[str, dict[str, object]] = {
        "server": {"port": 80},
        "logs": {"level": "info", "requests": True, "path": 'a "b" \\ c'},
        "x": {},
    }
    assert tomllib.loads(toml_of(sections)) == sections
