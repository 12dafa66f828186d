"""Filters over the attributes of items, in Qdrant's grammar; `filter.py` is the request, and what it may hold."""
