"""What a reader holds of one conversation, and what an event of the log makes of it (W-7 … W-16). No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .parts import Part, digest, sum_of, with_chunk, with_part

Event = Mapping[str, Any]
#: `gap`: follow again with the cursor; `gap-verify`: without one, for what is held contradicts the log.
Outcome = Literal["snapshot", "applied", "old", "gap", "gap-verify", "live"]


@dataclass(frozen=True)
class Run:
    """An answer that is being written."""

    run_id: str
    epoch: int
    text: str = ""
    parent_id: str | None = None
    parts: tuple[Part, ...] = ()
    #: Parts that people have to decide before it goes on.
    waiting: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Ended:
    """How the last answer ended, and what its end says of the text and the parts."""

    run_id: str
    reason: str
    bytes: int
    sha256: str
    finish: str | None = None
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    parts: Mapping[str, Any] | None = None


def _up_to(text: str, length: int) -> str | None:
    """The beginning of a text that has so many bytes."""
    encoded = text.encode()
    if length > len(encoded):
        return None
    try:
        return encoded[:length].decode()
    except UnicodeDecodeError:
        return None


@dataclass
class Reader:
    """The reader of one conversation: give it every event, and do what the outcome says."""

    log_id: str | None = None
    offset: int = 0
    title: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    run: Run | None = None
    ended: Ended | None = None

    @property
    def cursor(self) -> dict[str, Any] | None:
        return None if self.log_id is None else {"logId": self.log_id, "offset": self.offset}

    @property
    def verified(self) -> bool | None:
        """Whether the last answer that ended is what its end says (W-10, W-16); None: there is nothing to prove."""
        message = self.messages.get(self.ended.run_id) if self.ended else None
        if self.ended is None or message is None or message["status"] == "deleted":
            return None
        text = str(message["text"])
        if len(text.encode()) != self.ended.bytes or digest(text) != self.ended.sha256:
            return False
        return self.ended.parts is None or sum_of(message.get("parts", ())) == self.ended.parts["sha256"]

    def apply(self, event: Event) -> Outcome:
        kind = event["type"]
        if kind == "live":
            return "live"
        if kind == "snapshot":
            self._replace(event)
            return "snapshot"
        named = event.get("logId")
        if named is not None and self.log_id is not None and named != self.log_id:
            return "gap-verify"
        offset = int(event["offset"])
        if offset <= self.offset:
            return "old"
        if int(event.get("from", offset)) != self.offset + 1:
            return "gap"
        if not self._change(kind, event):
            return "gap-verify"
        self.offset, self.log_id = offset, named or self.log_id
        return "applied"

    def _replace(self, event: Event) -> None:
        run = event["run"]
        self.log_id, self.offset, self.title = event["logId"], event["offset"], event["title"]
        self.messages = {message["messageId"]: message for message in event["messages"]}
        self.ended = None
        self.run = run and Run(
            run["runId"],
            run["epoch"],
            run["text"],
            run["parentId"],
            tuple(run.get("parts", ())),
            tuple(run["waiting"]) if "waiting" in run else None,
        )

    def _change(self, kind: str, event: Event) -> bool:
        """False: it contradicts what is held."""
        match kind:
            case "message":
                self.messages[event["message"]["messageId"]] = event["message"]
            case "message-deleted":
                known = self.messages.get(event["messageId"])
                if known is not None:
                    self.messages[event["messageId"]] = {**known, "text": "", "status": "deleted"}
            case "title":
                self.title = event["title"]
            case "run-started":
                self.run, self.ended = Run(event["runId"], event["epoch"], parent_id=event["parentId"]), None
            case "chunk" | "part" | "part-chunk" | "run-waiting" | "run-moved" | "run-ended":
                return self.run is not None and self.run.run_id == event["runId"] and self._grow(self.run, kind, event)
        return True

    def _grow(self, run: Run, kind: str, event: Event) -> bool:
        match kind:
            case "chunk":
                held, at = len(run.text.encode()), int(event["at"])
                if at + len(event["text"].encode()) <= held:
                    return True
                if at != held:
                    return False
                self.run = replace(run, text=run.text + event["text"])
            case "part" | "part-chunk":
                if kind == "part":
                    parts = with_part(run.parts, event["part"])
                else:
                    parts = with_chunk(run.parts, event["partId"], event["field"], event["at"], event["text"])
                if parts is None:
                    return False
                self.run = replace(run, parts=tuple(parts))
            case "run-waiting":
                self.run = replace(run, waiting=tuple(event["partIds"]))
            case "run-moved":
                text = _up_to(run.text, event["bytes"]) if event["restarted"] else run.text
                if text is None or len(text.encode()) != event["bytes"]:
                    return False
                self.run = replace(run, epoch=event["epoch"], text=text, waiting=None)
            case "run-ended":
                return self._end(run, event)
        return True

    def _end(self, run: Run, event: Event) -> bool:
        if len(run.text.encode()) != event["bytes"] or len(run.parts) != (event.get("parts") or {"count": 0})["count"]:
            return False
        message: dict[str, Any] = {
            "messageId": run.run_id,
            "parentId": run.parent_id,
            "role": "assistant",
            "text": run.text,
            "status": event["reason"],
        }
        if run.parts:
            message["parts"] = list(run.parts)
        self.messages[run.run_id] = message
        said = {name: event.get(name) for name in ("finish", "usage", "error", "parts")}
        self.ended = Ended(run.run_id, event["reason"], event["bytes"], event["sha256"], **said)
        self.run = None
        return True
