"""LiteLLM's SDK and proxy, unmodified, against the address that is given. Prints one word for each thing that holds."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# The prices of the world are no concern of a test.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from openai import OpenAI

base_url, with_proxy = sys.argv[1], len(sys.argv) > 2
words = lambda n: " ".join(f"w{i:06}" for i in range(1, n + 1))
MASTER = "sk-of-a-test-of-more-than-thirty-two-characters"
ask = lambda text: [{"role": "user", "content": text}]
runnel = {"model": "openai/count", "api_base": base_url, "api_key": "any"}


def check(name, holds):
    assert holds, name
    print(name, flush=True)


whole = litellm.completion(**runnel, messages=ask("count 5 at 200"))
check("litellm", whole.choices[0].message.content == words(5) and whole.usage.completion_tokens == 5)

stream = litellm.completion(**runnel, messages=ask("count 5 at 200"), stream=True)
check("litellm-streamed", "".join(chunk.choices[0].delta.content or "" for chunk in stream) == words(5))

response = litellm.responses(**runnel, input="count 5 at 200")
check("litellm-responses", response.output[0].content[0].text == words(5))

try:
    litellm.completion(**{**runnel, "model": "openai/none"}, messages=ask("x"), max_retries=0)
    check("litellm-refused", False)
except litellm.NotFoundError:
    check("litellm-refused", True)

if with_proxy:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "config.yaml")
        config.write_text(
            "model_list:\n  - model_name: counter\n    litellm_params:\n"
            f"      model: openai/count\n      api_base: {base_url}\n      api_key: any\n"
        )
        command = [str(Path(sys.executable).parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        env = {**os.environ, "LITELLM_MASTER_KEY": MASTER}
        proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, env=env)
        try:
            # It imports for half a minute, on a busy machine for some.
            until = time.monotonic() + 240
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=2).close()
                    break
                except OSError:
                    assert time.monotonic() < until and proxy.poll() is None, "the proxy did not start"
                    time.sleep(0.5)
            through = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=MASTER, max_retries=0)
            told = through.chat.completions.create(model="counter", stream=True, messages=ask("count 5 at 200"))
            check("litellm-proxy", "".join(chunk.choices[0].delta.content or "" for chunk in told) == words(5))
        finally:
            proxy.terminate()
            proxy.wait()
