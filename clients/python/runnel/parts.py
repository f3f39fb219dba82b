"""The parts of an answer beside its text, and their proof. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypedDict

FIELDS = ("text", "input", "output")
FINAL = frozenset({"done", "failed", "denied", "answered", "dismissed"})


class _Placed(TypedDict):
    partId: str
    index: int
    at: int
    kind: str
    state: str


class Part(_Placed, total=False):
    """As the wire has it; fields of later releases are kept."""

    text: str
    name: str
    server: str
    title: str
    input: str
    output: str
    error: dict[str, str]
    approval: dict[str, Any]
    attempt: int
    choices: list[str]
    answer: str
    url: str
    bytes: int
    sha256: str
    truncated: bool


def digest(text: str) -> str:
    """Hex SHA-256 of the UTF-8."""
    return sha256(text.encode()).hexdigest()


def _seal(part: Part) -> tuple[int, str]:
    """Length and digest of what a part says: a file's are of its upload, those of cut fields what the end said."""
    if part["kind"] == "file" or (part.get("truncated") and "sha256" in part):
        return part.get("bytes", 0), part.get("sha256") or digest("")
    said = "" if part["kind"] == "source" else part.get("text", "") + part.get("input", "") + part.get("output", "")
    return len(said.encode()), digest(said)


def sum_of(parts: Sequence[Part]) -> str:
    """The digest that a run's end names for its parts (W-16)."""
    lines = []
    for part in parts:
        length, sealed = _seal(part)
        lines.append(f"{part['partId']} {part['kind']} {part['at']} {part['state']} {length} {sealed}\n")
    return digest("".join(lines))


def with_part(parts: Sequence[Part], part: Part) -> list[Part] | None:
    """A part appears or changes; what was streamed of it stays. None: what is held contradicts the log."""
    index = part["index"]
    if index == len(parts):
        return [*parts, part]
    if index > len(parts) or parts[index]["partId"] != part["partId"] or parts[index]["state"] in FINAL:
        return None
    known, changed = parts[index], part.copy()
    for field in FIELDS:
        if field in known and not (field == "text" and part["kind"] == "question" and "text" in part):
            changed[field] = known[field]  # type: ignore[literal-required]
    return [*parts[:index], changed, *parts[index + 1 :]]


def with_chunk(parts: Sequence[Part], part_id: str, field: str, at: int, text: str) -> list[Part] | None:
    """W-9 for parts: appends at the byte that is held, drops what is held, refuses anything else."""
    index = next((i for i, part in enumerate(parts) if part["partId"] == part_id), None)
    if index is None or field not in FIELDS:
        return None
    held = str(parts[index].get(field, ""))
    length = len(held.encode())
    if at + len(text.encode()) <= length:
        return list(parts)
    if at != length:
        return None
    grown = parts[index].copy()
    grown[field] = held + text  # type: ignore[literal-required]
    return [*parts[:index], grown, *parts[index + 1 :]]
