"""Filters over the attributes of items, in Qdrant's grammar: `filter.py` is the request, the rest is what it may hold."""
