"""The sources: a new one is one file and one member of the union."""

from typing import Annotated

from pydantic import Field

from training.synthetic_queries.sources.contract import Made, SourceSettings, Surroundings
from training.synthetic_queries.sources.endpoint import EndpointSource
from training.synthetic_queries.sources.extract import ExtractSource
from training.synthetic_queries.sources.file import FileSource

SourceConfig = Annotated[ExtractSource | FileSource | EndpointSource, Field(discriminator="kind")]

__all__ = ["EndpointSource", "ExtractSource", "FileSource", "Made", "SourceConfig", "SourceSettings", "Surroundings"]
