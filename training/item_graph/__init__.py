"""The semantic item graph: content neighbours, infused with who is taken together, for the item tower's own rows."""

from training.item_graph.config import ItemGraphConfig
from training.item_graph.neighbours import ItemGraph, build_item_graph

__all__ = ["ItemGraph", "ItemGraphConfig", "build_item_graph"]
