"""What every history encoder shares."""

from pydantic import Field

from bundle.config import Config


class HistorySettings(Config):
    """Settings of all kinds of history encoder."""

    share_items: bool = Field(
        default=False,
        description="Whether the history reads the item tower's own table of the same vocabulary, not a second.",
    )
