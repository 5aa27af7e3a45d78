"""Answers that fight back: every question asked of them raises, lies or never ends."""

from __future__ import annotations

import enum


class Explodes:
    """Raises on every question."""

    def __getattribute__(self, name):
        raise RuntimeError("asked")

    __eq__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __hash__ = lambda self, *a: 1 / 0


class AlwaysEqual(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__

    def __str__(self):
        raise RuntimeError("asked")


class OddInt(int):
    def __eq__(self, other):
        return True

    def __int__(self):
        raise RuntimeError("asked")

    __hash__ = int.__hash__


class OddList(list):
    def __iter__(self):
        raise RuntimeError("asked")

    def __len__(self):
        return 10**9


class Meta(type):
    @property
    def __name__(cls):
        raise RuntimeError("asked")

    def __instancecheck__(cls, instance):
        raise RuntimeError("asked")


class OddlyNamed(metaclass=Meta):
    pass


class Colour(str, enum.Enum):
    RED = "red"


def cyclic():
    loop: list = []
    loop.append(loop)
    return loop
