"""Calls the service from Python: `Client`, and `AsyncClient` for asyncio. Imports nothing of the server."""

from client.async_client import AsyncClient
from client.errors import ClientError, ConnectionFailed, ServiceError
from client.retries import Retries
from client.sync_client import Client

__all__ = ["AsyncClient", "Client", "ClientError", "ConnectionFailed", "Retries", "ServiceError"]
