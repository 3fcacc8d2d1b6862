"""Texts that behave like talk for an index: few words often, many seldom (Zipf), and rare ones to look for."""

import random
from bisect import bisect
from itertools import accumulate, product

_ONSETS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "br", "kl", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_CODAS = ("", "n", "r", "s", "t", "l", "m")


class Vocabulary:
    """`words[0]` is the most frequent one. The same seed gives the same texts."""

    def __init__(self, size: int, seed: int) -> None:
        self._random = random.Random(seed)
        syllables = ["".join(parts) for parts in product(_ONSETS, _VOWELS, _CODAS)]
        words: set[str] = set()
        while len(words) < size:
            words.add("".join(self._random.choices(syllables, k=self._random.choice((1, 2, 2, 3)))))
        self.words = sorted(words)
        self._random.shuffle(self.words)
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(size)))

    def word(self) -> str:
        return self.words[bisect(self._weights, self._random.random() * self._weights[-1])]

    def text(self) -> str:
        return " ".join(self.word() for _ in range(self._random.randint(4, 24)))

    def between(self, first: int, last: int) -> str:
        """A word of a rank: how frequent it is."""
        return self.words[self._random.randrange(first, last)]
