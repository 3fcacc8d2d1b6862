"""The parts that a stack can do without: which there are, and what goes when one is left out."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Part = Literal["search", "bot", "model", "analytics"]
PARTS: tuple[Part, ...] = get_args(Part)

OWN_MODEL = "OPENAI_BASE_URL"
"""Set in the environment, it names a provider, and no local model is started."""

BIGGER_MODEL = """\
The local model (SmolLM2-135M, 93 MB, English) starts everywhere and answers simply. For better answers:

1. [bold]A bigger local model[/]: get any chat model as a .gguf file, for example Qwen2.5-3B-Instruct or
   Llama-3.2-3B-Instruct in the quantisation Q4_K_M (2 GB, wants 4 GB of memory and four cores), and start with
     [bold]tertulia up --model /path/to/model.gguf[/]
   MODEL_CONTEXT_TOKENS, MODEL_SLOTS and MODEL_THREADS fit it to the machine.

2. [bold]A server of your own[/] (llama.cpp, Ollama, vLLM) or a provider: anything that speaks the OpenAI API.
     [bold]OPENAI_BASE_URL=http://127.0.0.1:11434/v1 MODEL=qwen2.5:3b tertulia up[/]
   A provider's key goes into OPENAI_API_KEY. What people ask then leaves this machine.

Nothing is downloaded for you: you choose where weights come from, and check their licence."""


def chosen(without: Iterable[Part], environment: Mapping[str, str]) -> frozenset[Part]:
    """The parts to start. The model goes with the bot, and when the environment names another provider."""
    parts = set(PARTS) - set(without)
    if "bot" not in parts or environment.get(OWN_MODEL):
        parts.discard("model")
    return frozenset(parts)
