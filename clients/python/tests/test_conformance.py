"""W-7 … W-16: the events of real runs, as every client of the native wire must read them."""

from __future__ import annotations

import json
import unittest
from pathlib import Path
from typing import Any

from runnel.state import Reader

FILE = Path(__file__).parents[2] / "conformance" / "cases.jsonl"
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf8").strip().split("\n")]
SHOWN = ("messageId", "role", "text", "status", "parts")


def shown(reader: Reader) -> dict[str, Any]:
    run = reader.run
    told = None
    if run is not None:
        told = {"runId": run.run_id, "text": run.text, "epoch": run.epoch}
        if run.parts:
            told["parts"] = list(run.parts)
        if run.waiting is not None:
            told["waiting"] = list(run.waiting)
    return {
        "logId": reader.log_id,
        "offset": reader.offset,
        "title": reader.title,
        "messages": [{key: message[key] for key in SHOWN if key in message} for message in reader.messages.values()],
        "run": told,
        "verified": reader.verified,
    }


class Conformance(unittest.TestCase):
    def test_cases(self) -> None:
        self.assertGreaterEqual(len(CASES), 20)
        for case in CASES:
            with self.subTest(case["name"]):
                reader = Reader()
                self.assertEqual([reader.apply(step["event"]) for step in case["steps"]], [step["outcome"] for step in case["steps"]])
                self.assertEqual(shown(reader), case["expect"])


if __name__ == "__main__":
    unittest.main()
