"""A conversation that is followed, and the answers in it."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Literal

from .errors import RunnelError
from .parts import Part, digest, sum_of
from .state import Ended, Reader

if TYPE_CHECKING:
    from .client import Client

Decision = Literal["approve", "deny", "answer", "retry", "skip"]


def new_id() -> str:
    return secrets.token_urlsafe(16)


class Conversation:
    """Made by `Client.conversation`. `reader` is what is known of it: title, messages, the running answer."""

    def __init__(self, conversation_id: str, client: Client):
        self.id = conversation_id
        self.reader = Reader()
        #: How often a screen did not match its digest and was replaced (W-10).
        self.mismatches = 0
        self._client = client
        self._changed = asyncio.Event()
        self._failure: RunnelError | None = None
        self._is_followed = False
        #: A follow is under way, and whether it asked for a snapshot.
        self._following: Literal["no", "tail", "snapshot"] = "no"
        #: An end whose text was wrong: the snapshot has to meet it.
        self._owed: Ended | None = None
        self._proved: dict[str, bool] = {}

    async def follow(self) -> None:
        """Resolves when everything is known up to now."""
        if not self._is_followed:
            self._is_followed = True
            await self._ask(self.reader.cursor)
        await self.until(lambda: self._following == "no")

    async def prompt(self, text: str, *, model: str | None = None, message_id: str | None = None) -> Answer:
        """Sends a message; the answer is followed at once. Repeating it with the same `message_id` joins the first one's answer.

        Raises RunnelError, `busy` while another answer is being written.
        """
        frame = {"type": "prompt", "conversationId": self.id, "messageId": message_id or new_id(), "text": text}
        return await self._begin({**frame, **({"model": model} if model else {})})

    async def regenerate(self, message_id: str, *, model: str | None = None) -> Answer:
        """Answers a user's message once more, beside the answers it has."""
        frame = {"type": "regenerate", "conversationId": self.id, "parentId": message_id, "runId": new_id()}
        return await self._begin({**frame, **({"model": model} if model else {})})

    async def answer(self) -> Answer | None:
        """The answer that is being written now."""
        await self.follow()
        return None if self.reader.run is None else Answer(self, self.reader.run.run_id)

    async def cancel(self, run_id: str) -> str:
        """`cancelling` or `already-ended`; the text so far stays."""
        return str((await self._client.call({"type": "cancel", "conversationId": self.id, "runId": run_id}))["outcome"])

    async def decide(self, run_id: str, part: Part, decision: Decision, text: str | None = None) -> str:
        """`decided`, `already-decided`, or `stale` when the part has another input than this one (W-18)."""
        frame: dict[str, Any] = {"type": "decide", "conversationId": self.id, "runId": run_id, "partId": part["partId"], "decision": decision}
        if decision in ("approve", "retry"):
            frame["inputSha256"] = digest(part.get("input", ""))
        if text is not None:
            frame["text"] = text
        return str((await self._client.call(frame))["outcome"])

    def proof(self, run_id: str) -> bool | None:
        """Whether an answer that ended is what its end says; None: not known (yet)."""
        return self._proved.get(run_id)

    async def _begin(self, frame: dict[str, Any]) -> Answer:
        await self.follow()
        return Answer(self, str((await self._client.call(frame))["runId"]))

    async def _ask(self, cursor: dict[str, Any] | None) -> None:
        self._following = "snapshot" if cursor is None else "tail"
        await self._client.send_follow(self.id, cursor)

    async def connected(self) -> None:
        """A new socket: everything that was missed comes first."""
        if self._is_followed:
            await self._ask(self.reader.cursor)

    async def receive(self, event: dict[str, Any]) -> None:
        if event["type"] not in ("snapshot", "live") and "offset" not in event:
            return
        outcome = self.reader.apply(event)
        match outcome:
            case "live":
                await self._judge(event)
            case "gap" | "gap-verify" if self._following == "no":
                await self._ask(self.reader.cursor if outcome == "gap" else None)
            case "gap-verify":
                # What is held contradicts the log: the tail that is under way cannot mend it.
                self.reader = Reader()
                await self._ask(None)
            case "applied" if event["type"] == "run-ended":
                await self._prove()
            case "snapshot" if self._following == "tail":
                self._following = "snapshot"
        if outcome == "snapshot":
            self._meet()
        self._notify()

    async def _judge(self, live: dict[str, Any]) -> None:
        if self._following == "no":
            return
        if live["logId"] == self.reader.log_id and live["offset"] <= self.reader.offset:
            self._following = "no"
        else:
            await self._ask(None)

    async def _prove(self) -> None:
        ended, proved = self.reader.ended, self.reader.verified
        if ended is None or proved is None:
            return
        if proved:
            self._proved[ended.run_id] = True
            return
        self.mismatches += 1
        self._owed = ended
        await self._ask(None)

    def _meet(self) -> None:
        """The text that replaced a wrong one is held against the same end."""
        owed, self._owed = self._owed, None
        message = None if owed is None else self.reader.messages.get(owed.run_id)
        if owed is None or message is None:
            return
        is_same = digest(message["text"]) == owed.sha256
        self._proved[owed.run_id] = is_same and (owed.parts is None or sum_of(message.get("parts", ())) == owed.parts["sha256"])

    def refused(self, error: RunnelError) -> None:
        """A follow was not carried out: for good, or just now."""
        if not error.retryable:
            return self.fail(error)
        later = error.retry_after if error.retry_after is not None else random.uniform(0.1, 1.0)
        asyncio.get_running_loop().call_later(later, lambda: asyncio.ensure_future(self.connected()))

    def fail(self, error: RunnelError) -> None:
        self._failure = error
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Resolves at the next event. Raises what ended the follow."""
        if self._failure:
            raise self._failure
        await self._changed.wait()
        if self._failure:
            raise self._failure

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self.changed()


class Answer:
    """One answer, running or ended. Iterate over it for its text, piece by piece."""

    def __init__(self, conversation: Conversation, run_id: str):
        self.conversation = conversation
        self.run_id = run_id
        #: How often it had to begin again with other words than were told: the next piece is the whole text then.
        self.restarts = 0

    @property
    def is_running(self) -> bool:
        run = self.conversation.reader.run
        return run is not None and run.run_id == self.run_id

    @property
    def message(self) -> dict[str, Any] | None:
        """As it ended."""
        return self.conversation.reader.messages.get(self.run_id)

    @property
    def text(self) -> str:
        run = self.conversation.reader.run
        if run is not None and run.run_id == self.run_id:
            return run.text
        return "" if self.message is None else str(self.message["text"])

    @property
    def parts(self) -> tuple[Part, ...]:
        run = self.conversation.reader.run
        if run is not None and run.run_id == self.run_id:
            return run.parts
        return () if self.message is None else tuple(self.message.get("parts", ()))

    @property
    def verified(self) -> bool | None:
        """Text and parts have the digests that the end of the answer names. None: it has not ended, or had before it was followed."""
        return self.conversation.proof(self.run_id)

    async def __aiter__(self) -> AsyncIterator[str]:
        told = ""
        while True:
            text = self.text
            if not text.startswith(told):
                self.restarts, told = self.restarts + 1, ""
            if len(text) > len(told):
                yield text[len(told) :]
                told = text
                continue
            if self.message is not None and not self.is_running:
                return
            await self.conversation.changed()

    async def waiting(self) -> list[Part]:
        """Resolves when people have to decide, to what about; empty: it has ended."""
        while True:
            run = self.conversation.reader.run
            if self.message is not None and not self.is_running:
                return []
            if run is not None and run.run_id == self.run_id and run.waiting:
                asked = [part for part in run.parts if part["partId"] in run.waiting and part["state"] in ("waiting", "unknown")]
                if asked:
                    return asked
            await self.conversation.changed()

    async def done(self) -> str:
        """The whole text. Raises RunnelError with the server's code when the answer failed; a cancelled one is what it is."""
        await self.conversation.until(lambda: self.message is not None and not self.is_running)
        ended = self.conversation.reader.ended
        if ended is not None and ended.run_id == self.run_id and ended.error is not None:
            raise RunnelError.of(ended.error)
        return self.text

    async def cancel(self) -> str:
        return await self.conversation.cancel(self.run_id)

    async def decide(self, part: Part, decision: Decision, text: str | None = None) -> str:
        return await self.conversation.decide(self.run_id, part, decision, text)
