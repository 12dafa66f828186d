import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError
from training.precision import ExportConfig


def test_fp32_unless_asked_and_what_does_not_exist_is_refused_naming_what_does() -> None:
    assert validate_config(ExportConfig, {}, "test").precision == "fp32"
    assert validate_config(ExportConfig, {"precision": "int8"}, "test").precision == "int8"
    with pytest.raises(ConfigError, match=r"precision: Input should be 'fp32' or 'int8'"):
        validate_config(ExportConfig, {"precision": "int4"}, "test")
