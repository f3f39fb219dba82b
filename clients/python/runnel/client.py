"""One socket to any of several gateways: opened again after every break, with what had no answer sent again (W-4)."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from .conversation import Conversation
from .errors import RunnelError

Token = str | Callable[[], Awaitable[str]]

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 30.0
_HELLO_SECONDS = 10.0
#: A snapshot may hold a message of 8 MiB, which JSON escapes.
_MOST_BYTES = 64 * 1024 * 1024
#: Statuses in the place of the upgrade that another try does not change.
_REFUSED = {400: "bad-frame", 401: "unauthorized", 403: "forbidden", 404: "not-found", 421: "forbidden"}
#: Close codes from here on say that coming back is of no use.
_STAY_AWAY = 4500
#: What the ids of follows begin with; those of commands are numbers.
_FOLLOW = "follow "


class Client:
    """Use it with `async with`. `urls`: any gateways of one installation, tried in turn.

    `token`: a bearer token or an API key, or a coroutine function that gets one whenever one is needed. `user_id` names the user where
    the server runs with `AUTH_MODE=dev`. `deadline`: seconds after which a command that had no answer fails with `unavailable`.
    """

    def __init__(self, *urls: str, token: Token | None = None, user_id: str | None = None, deadline: float = 30.0):
        if not urls:
            raise ValueError("a client needs the address of a gateway")
        query = "" if user_id is None else f"?user_id={quote(user_id, safe='')}"
        self._urls = [f"ws{url.rstrip('/').removeprefix('http')}/ws/chat{query}" for url in urls]
        self._turn = random.randrange(len(urls))
        self._token = token
        self._deadline = deadline
        self._ids = itertools.count(1)
        self._waiting: dict[str, tuple[dict[str, Any], asyncio.Future[dict[str, Any]]]] = {}
        self._conversations: dict[str, Conversation] = {}
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: RunnelError | None = None
        self._leaving: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Client:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._fail(RunnelError("unavailable", "The client is closed."))

    def conversation(self, conversation_id: str) -> Conversation:
        """Followed from its first use on, for as long as the client lives."""
        if conversation_id not in self._conversations:
            self._conversations[conversation_id] = Conversation(conversation_id, self)
        return self._conversations[conversation_id]

    async def call(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The `ok` of a frame, over any number of sockets. What is retryable is tried again until the deadline.

        Raises RunnelError: the server's, or `unavailable` when nothing answered in time.
        """
        until = asyncio.get_running_loop().time() + self._deadline
        for attempt in itertools.count():
            try:
                return await self._once(frame, until)
            except RunnelError as error:
                wait = error.retry_after if error.retry_after is not None else _jitter(attempt)
                late = asyncio.get_running_loop().time() + wait >= until
                if self._failure or late or not error.retryable or error.code == "busy":
                    raise
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _once(self, frame: dict[str, Any], until: float) -> dict[str, Any]:
        if self._failure:
            raise self._failure
        name = str(next(self._ids))
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = ({**frame, "id": name}, answer)
        try:
            await self._send(self._waiting[name][0])
            async with asyncio.timeout_at(until):
                return await answer
        except TimeoutError:
            raise RunnelError("unavailable", "No gateway answered in time.") from None
        finally:
            self._waiting.pop(name, None)

    async def _send(self, frame: dict[str, Any]) -> None:
        """What is not sent now goes out with the next socket."""
        if self._socket is None:
            return
        try:
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed:
            pass

    async def send_follow(self, conversation_id: str, cursor: dict[str, Any] | None) -> None:
        """The next `live` answers it; a socket that breaks first is followed by one that asks again."""
        frame = {"type": "follow", "id": _FOLLOW + conversation_id, "conversationId": conversation_id}
        await self._send({**frame, **({"cursor": cursor} if cursor else {})})

    async def _run(self) -> None:
        attempt = 0
        while True:
            url = self._urls[self._turn % len(self._urls)]
            try:
                async with connect(url, subprotocols=["runnel.v1"], max_size=_MOST_BYTES) as socket:  # type: ignore[list-item]
                    await self._greet(socket)
                    attempt = 0
                    await self._live(socket)
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
                refusal = _refusal(error)
                if refusal is not None:
                    return self._fail(refusal)
            except RunnelError as error:
                return self._fail(error)
            finally:
                self._socket = None
                if self._leaving is not None:
                    self._leaving.cancel()
            self._turn += 1
            await asyncio.sleep(_jitter(attempt))
            attempt += 1

    async def _greet(self, socket: ClientConnection) -> None:
        token = await self._token() if callable(self._token) else self._token
        await socket.send(json.dumps({"type": "hello", "protocol": 1, "client": "runnel-python", **({"token": token} if token else {})}))
        async with asyncio.timeout(_HELLO_SECONDS):
            while (frame := json.loads(await socket.recv()))["type"] != "welcome":
                if frame["type"] == "error" and not frame.get("retryable"):
                    raise RunnelError.of(frame)

    async def _live(self, socket: ClientConnection) -> None:
        self._socket = socket
        for frame, _ in list(self._waiting.values()):
            await self._send(frame)
        for conversation in self._conversations.values():
            await conversation.connected()
        async for message in socket:
            await self._receive(socket, json.loads(message))

    async def _receive(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "ok" | "error" if str(frame.get("id", "")).startswith(_FOLLOW):
                conversation = self._conversations.get(str(frame["id"]).removeprefix(_FOLLOW))
                if conversation is not None and frame["type"] == "error":
                    conversation.refused(RunnelError.of(frame))
            case "ok" | "error" if "id" in frame:
                _, answer = self._waiting.get(str(frame["id"]), (None, None))
                if answer is None or answer.done():
                    return
                if frame["type"] == "ok":
                    answer.set_result(frame)
                else:
                    answer.set_exception(RunnelError.of(frame))
            case "error" if frame["code"] == "token-expired":
                await self._renew(socket)
            case "error" if "conversationId" in frame and frame["conversationId"] in self._conversations:
                self._conversations[frame["conversationId"]].refused(RunnelError.of(frame))
            case "draining":
                later = frame["reconnectInMs"] / 1000
                self._leaving = asyncio.get_running_loop().call_later(later, lambda: asyncio.ensure_future(socket.close(1001)))
            case _:
                conversation = self._conversations.get(frame.get("conversationId", ""))
                if conversation is not None:
                    await conversation.receive(frame)

    async def _renew(self, socket: ClientConnection) -> None:
        if callable(self._token):
            await socket.send(json.dumps({"type": "hello", "protocol": 1, "token": await self._token()}))

    def _fail(self, error: RunnelError) -> None:
        """For good: nothing more will be answered."""
        self._failure = error
        for _, answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_exception(error)
        for conversation in self._conversations.values():
            conversation.fail(error)


def _jitter(attempt: int) -> float:
    return random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt))


def _refusal(error: Exception) -> RunnelError | None:
    """Why coming back is of no use; None: it may be of use."""
    if isinstance(error, InvalidStatus) and error.response.status_code in _REFUSED:
        return RunnelError(_REFUSED[error.response.status_code], f"The gateway answered {error.response.status_code}.")
    if isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code >= _STAY_AWAY:
        return RunnelError("unauthorized" if error.rcvd.code == 4503 else "forbidden", error.rcvd.reason or f"closed with {error.rcvd.code}")
    return None
