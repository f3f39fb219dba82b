"""Against a real gateway, whose address is in RUNNEL_URL: what is told is the log's, through broken sockets and other nodes."""

from __future__ import annotations

import asyncio
import os
import unittest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runnel import Client, Part, RunnelError

URL = os.environ.get("RUNNEL_URL", "")
MODEL = os.environ.get("RUNNEL_MODEL", "count")


def words(count: int) -> str:
    return " ".join(f"w{n:06}" for n in range(1, count + 1))


@asynccontextmanager
async def breaking_proxy(target: str) -> AsyncIterator[tuple[str, list[int]]]:
    """A line that breaks after so many bytes, a few times; then it holds."""
    host, port = target.removeprefix("http://").split(":")
    cuts = [700, 1_500, 2_500, 4_000]

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
        sent = 0
        while data := await reader.read(512):
            sent += len(data)
            if most is not None and sent > most:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        most = cuts.pop(0) if cuts else None
        await asyncio.gather(pipe(reader, up_writer, None), pipe(up_reader, writer, most), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", cuts
    finally:
        server.close()


@unittest.skipUnless(URL, "RUNNEL_URL names no gateway")
class Live(unittest.IsolatedAsyncioTestCase):
    async def test_an_answer_is_told_and_proved(self) -> None:
        async with Client(URL, user_id="py") as client:
            answer = await client.conversation("py-plain").prompt("count 30 at 200", model=MODEL)
            self.assertEqual("".join([piece async for piece in answer]), words(30))
            self.assertEqual((await answer.done(), answer.verified, answer.restarts), (words(30), True, 0))
            self.assertEqual(client.conversation("py-plain").mismatches, 0)

    async def test_broken_sockets_lose_and_double_nothing(self) -> None:
        async with breaking_proxy(URL) as (url, cuts), Client(url, user_id="py") as client:
            answer = await client.conversation("py-broken").prompt("count 120 at 60", model=MODEL)
            self.assertEqual("".join([piece async for piece in answer]), words(120))
            self.assertEqual((answer.verified, cuts), (True, []))

    async def test_a_second_reader_comes_to_it(self) -> None:
        async with Client(URL, user_id="py") as first, Client(URL, user_id="py") as second:
            answer = await first.conversation("py-two").prompt("count 60 at 60", model=MODEL)
            async for _ in answer:
                break
            other = await second.conversation("py-two").answer()
            assert other is not None
            self.assertEqual([await answer.done(), await other.done()], [words(60), words(60)])
            self.assertEqual([answer.verified, other.verified], [True, True])

    async def test_the_same_message_is_answered_once(self) -> None:
        async with Client(URL, user_id="py") as client:
            conversation = client.conversation("py-once")
            asked = [conversation.prompt("count 5 at 200", model=MODEL, message_id="same") for _ in range(3)]
            self.assertEqual(len({answer.run_id for answer in await asyncio.gather(*asked)}), 1)

    async def test_busy_cancel_and_strangers(self) -> None:
        async with Client(URL, user_id="py") as client, Client(URL, user_id="other") as other:
            conversation = client.conversation("py-cancel")
            answer = await conversation.prompt("count 500 at 20", model=MODEL)
            async for _ in answer:
                break
            with self.assertRaises(RunnelError) as busy:
                await conversation.prompt("more")
            self.assertEqual(busy.exception.code, "busy")
            with self.assertRaises(RunnelError) as stranger:
                await other.conversation("py-cancel").prompt("mine now")
            self.assertEqual(stranger.exception.code, "forbidden")
            self.assertEqual(await answer.cancel(), "cancelling")
            text = await answer.done()
            self.assertTrue(words(500).startswith(text) and text != "")
            self.assertEqual((answer.message or {})["status"], "cancelled")
            self.assertTrue(answer.verified)
            self.assertEqual(await answer.cancel(), "already-ended")

    async def test_w18_a_call_waits_for_a_person_who_decides_about_what_was_shown(self) -> None:
        if MODEL != "script":
            self.skipTest("the model of this gateway asks nobody")
        async with Client(URL, user_id="py") as client, Client(URL, user_id="py") as other:
            answer = await client.conversation("py-ask").prompt("ask", model=MODEL)
            [part] = await answer.waiting()
            self.assertEqual((part["name"], part["input"], answer.verified), ("delete", '{"path": "/a"}', None))
            seen = await other.conversation("py-ask").answer()
            assert seen is not None
            [there] = await seen.waiting()
            self.assertEqual(there, part)
            changed: Part = {**part, "input": "{}"}
            self.assertEqual(await seen.decide(changed, "approve"), "stale")
            self.assertEqual(await seen.decide(there, "approve"), "decided")
            self.assertEqual(await answer.decide(part, "deny"), "already-decided")
            self.assertEqual([await answer.done(), await seen.done()], ["It is gone."] * 2)
            self.assertEqual([(p["kind"], p["state"], p.get("output")) for p in answer.parts], [("reasoning", "done", None), ("tool", "done", "ok")])
            self.assertEqual([answer.verified, seen.verified], [True, True])
            self.assertEqual(await answer.waiting(), [])

    async def test_an_address_without_a_gateway_is_unavailable(self) -> None:
        async with Client("http://127.0.0.1:9", user_id="py", deadline=0.5) as client:
            with self.assertRaises(RunnelError) as gone:
                await client.call({"type": "cancel", "conversationId": "c", "runId": "r"})
            self.assertEqual((gone.exception.code, gone.exception.retryable), ("unavailable", False))


if __name__ == "__main__":
    unittest.main()
