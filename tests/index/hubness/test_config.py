import pytest
from pydantic import ValidationError

from index.hubness.config import HubnessConfig


def test_positives_need_a_table_to_stand_in() -> None:
    with pytest.raises(ValidationError, match="give queries as well"):
        HubnessConfig(positives="item_id")
    assert HubnessConfig(queries="queries.parquet", positives="item_id").default == "off"
