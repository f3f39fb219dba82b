"""Runnel conversations for asyncio: follow, prompt, cancel, decide; resumed after any break, verified by hash."""

from .client import Client
from .conversation import Answer, Conversation
from .errors import RunnelError
from .parts import Part
from .state import Ended, Reader, Run

__all__ = ["Answer", "Client", "Conversation", "Ended", "Part", "Reader", "Run", "RunnelError"]
