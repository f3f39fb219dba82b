"""OpenAI's client for Python and LangChain's, unmodified, against the address that is given. Prints one word for each thing that holds."""

import sys

from langchain_openai import ChatOpenAI
from openai import BadRequestError, OpenAI

base_url = sys.argv[1]
client = OpenAI(base_url=base_url, api_key="any", max_retries=0)
words = lambda n: " ".join(f"w{i:06}" for i in range(1, n + 1))
ask = lambda text: [{"role": "user", "content": text}]


def check(name, holds):
    assert holds, name
    print(name)


whole = client.chat.completions.create(model="count", messages=ask("count 5 at 200"))
check("whole", whole.choices[0].message.content == words(5) and whole.usage.completion_tokens == 5)

stream = client.chat.completions.create(model="count", stream=True, messages=ask("count 5 at 200"))
check("streamed", "".join(chunk.choices[0].delta.content or "" for chunk in stream) == words(5))

try:
    client.chat.completions.create(model="count", n=2, messages=ask("x"))
    check("refused", False)
except BadRequestError as error:
    check("refused", error.param == "n")

response = client.responses.create(model="count", input="count 40 at 100", background=True)
text, last = "", None
for event in client.responses.retrieve(response.id, stream=True):
    last = event.sequence_number
    text += event.delta if event.type == "response.output_text.delta" else ""
    if len(text) > 80:
        break
for event in client.responses.retrieve(response.id, stream=True, starting_after=last):
    text += event.delta if event.type == "response.output_text.delta" else ""
check("resumed", text == words(40))

for name, responses in (("langchain", False), ("langchain-responses", True)):
    model = ChatOpenAI(base_url=base_url, api_key="any", model="count", use_responses_api=responses, max_retries=0)
    check(name, model.invoke("count 4 at 200").text == words(4))
    check(f"{name}-streamed", "".join(chunk.text for chunk in model.stream("count 4 at 200")) == words(4))
