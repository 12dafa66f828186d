"""Configuration as data: frozen pydantic models that refuse unknown keys, read from TOML."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bundle.errors import ConfigError


class Config(BaseModel):
    """Base of every configuration model: frozen; an unknown key, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ModelT = TypeVar("ModelT", bound=BaseModel)


def load_config(model: type[ModelT], path: Path, overrides: Sequence[str] = ()) -> ModelT:
    """Read a TOML file into `model`, with `a.b=value` overrides laid over it.

    Raises ConfigError that names the file and every wrong key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path}: {error.strerror}", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", path=str(path)) from error
    return validate_config(model, _merge(data, parse_overrides(overrides)), str(path))


def parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """The nested settings that `a.b=value` texts stand for, later ones over earlier; raises ConfigError."""
    data: dict[str, Any] = {}
    for override in overrides:
        data = _merge(data, _parse_override(override))
    return data


def validate_config(model: type[ModelT], data: Mapping[str, Any], source: str) -> ModelT:
    """Validate `data` as `model`; raise ConfigError that names `source` and every wrong key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or '(whole file)'}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{source} is not a valid {model.__name__}:\n" + "\n".join(lines), source=source) from error


def _parse_override(override: str) -> dict[str, Any]:
    key, separator, value = override.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"'{override}' is not an override; write it as section.key=value", override=override)
    try:
        return tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        pass
    try:  # a bare word is meant as a string: --set objective.kind=softmax
        return tomllib.loads(f"{key} = '''{value}'''")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"'{override}' is not an override: {error}", override=override) from error


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
