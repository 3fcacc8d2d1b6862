"""What somebody wants of the model, as it is kept with the run."""

import msgspec


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag="ask"):
    question: str


class Summarize(msgspec.Struct, frozen=True, kw_only=True, tag="summarize"):
    count: int


class Translate(msgspec.Struct, frozen=True, kw_only=True, tag="translate"):
    """`text` empty: the newest message of the conversation."""

    language: str
    text: str


Wish = Ask | Summarize | Translate

_decoder = msgspec.json.Decoder(Wish)


def command_of(wish: Wish) -> str:
    return str(wish.__struct_config__.tag)


def question_of(wish: Wish) -> str:
    """What the asker wrote that must be in the prompt, whole."""
    match wish:
        case Ask(question=question):
            return question
        case Translate(text=text):
            return text
        case Summarize():
            return ""


def encode_wish(wish: Wish) -> str:
    return msgspec.json.encode(wish).decode()


def decode_wish(text: str) -> Wish:
    return _decoder.decode(text)
