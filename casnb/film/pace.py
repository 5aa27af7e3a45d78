"""How fast a story goes: how long a person takes to read a paragraph, to type a command, and to
speak a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle

#: Words a minute: silent reading of a terminal, and speech that a learner can follow.
READING, SPEAKING = 200, 150
#: Seconds: before a paragraph counts as read, and between a typed command and its answer.
LEAST, ENTER = 0.6, 0.7
#: Seconds from key to key, in a rhythm without chance: the same story takes the same time.
_KEYS = (0.05, 0.07, 0.04, 0.06, 0.09, 0.05, 0.06)
_SPACE = 0.11


def seconds_for(text: str, words_a_minute: int) -> float:
    """Return how long `text` takes; what is not a word, such as a hash, counts by its length."""
    words = sum(max(1, round(len(word) / 10)) for word in text.split())
    return max(LEAST, round(words * 60 / words_a_minute, 2))


def keys(text: str) -> Iterator[tuple[str, float]]:
    """Yield what a hand types, key by key, each with the seconds after it."""
    rhythm = cycle(_KEYS)
    for key in text:
        yield key, _SPACE if key == " " else next(rhythm)


class Pace:
    """A human pace for a story; `wait` lets time pass, by a clock or in a recording. `heard` is
    told what is read, and how long that takes, before it is.
    """

    def __init__(
        self,
        wait: Callable[[float], None] = time.sleep,
        heard: Callable[[str, float], None] = lambda text, seconds: None,
        words: int = READING,
    ) -> None:
        self.wait, self.heard, self.words = wait, heard, words

    def read(self, text: str) -> None:
        """Let a reader read."""
        if text.strip():
            seconds = seconds_for(text, self.words)
            self.heard(text, seconds)
            self.wait(seconds)

    def type(self, text: str, put: Callable[[str], None]) -> None:
        """Put a text key by key, and wait a moment where Enter is pressed."""
        for key, after in keys(text):
            put(key)
            self.wait(after)
        self.wait(ENTER)
