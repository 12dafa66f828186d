"""Settings of the exported graphs."""

from typing import Literal

from pydantic import Field

from bundle.config import Config


class ExportConfig(Config):
    """How the towers of a bundle compute."""

    precision: Literal["fp32", "int8"] = Field(
        default="fp32",
        description="'int8' quantizes the towers' matrices: smaller and often faster; what it costs is measured on the "
        "test part and stands in the model card. An embedding never depends on the records embedded beside it.",
    )
