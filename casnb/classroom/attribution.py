"""Whose a hand-in is: by what the learning platform wrote, never by what stands in the file, except
for a ticket that the course signed where nothing else says it.
"""

from __future__ import annotations

import re
import unicodedata

from casnb.base.errors import neutral
from casnb.classroom.collected import Piece
from casnb.classroom.roster import Roster, Student

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_.*)?")
_CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_\d+_.+")
#: Words of a file's name that are joined when an id is looked for in it.
_JOINED = 4


def folded(text: str) -> str:
    """Return a name as it is compared: whatever its capitals, and however its umlauts are made."""
    return unicodedata.normalize("NFC", text.casefold())


class Owners:
    """Finds students by the names that platforms give to folders and files."""

    def __init__(self, roster: Roster) -> None:
        self.ids: dict[str, Student] = {}
        self.numbers: dict[str, Student] = {}
        self.accounts: dict[str, Student] = {}
        names: dict[str, list[Student]] = {}
        for s in roster:
            self.ids[folded(s.id)] = s
            if s.number:
                self.numbers[s.number] = s
            if s.account:
                self.accounts[folded(s.account)] = s
            if s.name:
                names.setdefault(folded(s.name), []).append(s)
        for s in roster:
            if s.email:
                self.ids.setdefault(folded(s.email), s)
        self.names = {name: found[0] for name, found in names.items() if len(found) == 1}

    def owner(self, piece: Piece) -> Student | None:
        """Return whose it is by its folders, outermost first, then by its file's name; None where
        they name nobody.
        """
        platform = piece.platform
        for part in platform:
            zipped = part.lower().endswith(".zip")
            if found := self._in_name(part) if zipped else self._exactly(part):
                return found
        if piece.cloned:
            return self._repository(platform[-1] if platform else piece.root)
        if platform and any(_MOODLE.fullmatch(p) for p in platform):
            return None  # the platform said whose, and that is nobody of ours
        chosen = piece.parts[len(platform) :]
        found = self._in_name(chosen[-1]) if chosen else None
        return found or self._exactly(re.sub(r"\.\w{1,8}$", "", piece.root))

    def claimed(self, piece: Piece) -> str:
        """Return the name under which a hand-in of nobody on the roster is listed."""
        platform = piece.platform
        word = platform[0] if platform else re.sub(r"\.\w+$", "", piece.parts[-1])
        return neutral(word, 80) or "?"

    def _exactly(self, part: str) -> Student | None:
        if found := _MOODLE.fullmatch(part):
            return self.numbers.get(found["number"]) or self.names.get(folded(found["name"]))
        low = folded(part)
        return self.ids.get(low) or self.names.get(low) or self.accounts.get(low)

    def _repository(self, folder: str) -> Student | None:
        """Return whose a clone is: GitHub Classroom names it assignment-account."""
        words = folded(folder).split("-")
        ends = ["-".join(words[n:]) for n in range(1, min(len(words), 20))]
        found = (self.accounts.get(end) or self.ids.get(end) for end in ends)
        return next((s for s in found if s), None)

    def _in_name(self, file: str) -> Student | None:
        stem = re.sub(r"\.\w{1,8}$", "", file)
        if found := self._exactly(stem):
            return found
        if (canvas := _CANVAS.fullmatch(file)) and canvas["number"] in self.numbers:
            return self.numbers[canvas["number"]]
        words = [w for w in re.split(r"([\s_()\[\],-]+)", stem) if w]
        for size in range(2 * _JOINED - 1, 0, -1):
            found_here = {
                s.id: s
                for n in range(len(words) - size + 1)
                if (s := self.ids.get(folded("".join(words[n : n + size])))) and len(s.id) > 1
            }
            if found_here:
                return next(iter(found_here.values())) if len(found_here) == 1 else None
        return None
