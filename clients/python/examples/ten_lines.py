import asyncio
import sys

from runnel import Client


async def main(url: str) -> None:
    async with Client(url, user_id="ann") as client:
        answer = await client.conversation("python-tour").prompt("count 20 at 50", model="count")
        async for piece in answer:
            print(piece, end="", flush=True)
        print("", "verified" if answer.verified else "not verified", sep="\n")


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080"))
