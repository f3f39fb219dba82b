"""The `llm` command, unmodified, against the address that is given. Prints a word if it holds."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as home:
    models = f"- model_id: runnel\n  model_name: count\n  api_base: {sys.argv[1]}\n"
    Path(home, "extra-openai-models.yaml").write_text(models)
    env = {**os.environ, "LLM_USER_PATH": home, "OPENAI_API_KEY": "any"}
    command = [sys.executable, "-m", "llm", "-m", "runnel", "count 5 at 200"]
    # It adds what it is piped to its prompt, and would wait for it.
    said = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150)
    assert said.stdout.strip() == " ".join(f"w{i:06}" for i in range(1, 6)), said
    print("llm")
