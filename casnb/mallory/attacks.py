"""Mallory: every attack by name, and what becomes of one that is really run against a defence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from casnb.base.errors import UsageError
from casnb.mallory import certificates, channel, hardware, identity, revoked
from casnb.mallory.attack_matrix import FLAG_SETS as FLAG_SETS
from casnb.mallory.attack_matrix import HABIT_SETS as HABIT_SETS
from casnb.mallory.attack_matrix import AttackMatrix as AttackMatrix
from casnb.mallory.clients import Client
from casnb.mallory.defence import HABITS as HABITS
from casnb.mallory.defence import USUAL as USUAL
from casnb.mallory.defence import Defence as Defence
from casnb.mallory.exhibit import Exhibit
from casnb.mallory.stage import Stage
from casnb.mallory.steps import Stopped
from casnb.mallory.story import PERSONAS as PERSONAS
from casnb.mallory.story import REFUSALS as REFUSALS
from casnb.mallory.story import Attack as Attack
from casnb.mallory.story import Outcome as Outcome

#: Every attack, in the order in which they are taught.
ATTACKS: Mapping[str, Attack] = {
    a.name: a
    for a in (
        *hardware.ATTACKS,
        *revoked.ATTACKS,
        *identity.ATTACKS,
        *channel.ATTACKS,
        *certificates.ATTACKS,
    )
}


def attack(name: str) -> Attack:
    """Return the attack of this name, or raise UsageError that lists those there are."""
    if name not in ATTACKS:
        raise UsageError("attack", got=name, wanted="one of " + ", ".join(ATTACKS))
    return ATTACKS[name]


def run(
    name: str,
    defence: Defence | None = None,
    *,
    seed: str = "casnb",
    deposit: str = "",
    client: Client | None = None,
) -> Outcome:
    """Run an attack against a defence (left out: no flag, the usual habits) in the worlds of a
    seed, and return what became of it.

    Servers listen on loopback while it runs, and are gone afterwards. Nothing of the reader's is
    read or written. The client is casnb's own; where a habit is missing, the shortcut that
    people take instead. `deposit` is a secret that the relying party stores with whom it
    accepted; where Mallory gets it, it is in the loot. `client` reads in the place of casnb's own,
    as `Stage` has it. Raises UsageError for an unknown attack, and
    for a policy that contradicts itself, before anything is connected to.

    Example: `run("debug-memory", Defence.of("--only_for_testing-debug
    --only_for_testing-ignore-signer")).loot`
    """
    chosen, defence = attack(name), defence or Defence()
    with Stage(seed, defence, deposit, client) as stage:
        stage.policy()
        try:
            loot = chosen.story(stage)
        except Stopped as exc:
            return Outcome(chosen, defence, exc.by, result=stage.result, steps=tuple(stage.steps))
        steps, taken = tuple(stage.steps), stage.taken
    values = dict(loot.values) | ({"the customer's secret": taken.value} if taken else {})
    return Outcome(chosen, defence, "", loot.words, values, stage.result, steps, taken)


@lru_cache(maxsize=8 * len(ATTACKS))
def exhibit(name: str, seed: str) -> Exhibit:
    """Run an attack of a seed once, and keep what it showed."""
    return Exhibit.of(attack(name), seed)


def exhibits(seed: str) -> tuple[Exhibit, ...]:
    """Run every attack of a seed once, in a second or less, and keep what each one showed."""
    return tuple(exhibit(name, seed) for name in ATTACKS)


def foresee(
    defence: Defence, *, seed: str = "casnb", names: Iterable[str] = tuple(ATTACKS)
) -> dict[str, str]:
    """Return for each of these attacks what would stop it, empty where it would get in: in
    milliseconds, from what it showed before.

    A run says the same. Raises UsageError for a policy that contradicts itself, and for a
    defence without a usual habit.
    """
    return {name: exhibit(name, seed).stopper(defence) for name in names}


def matrix(
    columns: Mapping[str, Defence] = FLAG_SETS,
    names: Iterable[str] = tuple(ATTACKS),
    *,
    seed: str = "casnb",
) -> AttackMatrix:
    """Run attacks against several defences (title to defence), eight at a time, and return what
    stopped which.

    With all attacks and the flag sets that takes some seconds: each cell is a run.
    """
    rows, defences = [attack(name).name for name in names], list(columns.values())
    if not rows or not defences:
        raise UsageError(
            "matrix", got="nothing to run", wanted="at least one attack and one defence"
        )
    runs = _side_by_side(
        lambda n, d: run(n, d, seed=seed), [(n, d) for n in rows for d in defences]
    )
    size = len(defences)
    return AttackMatrix.of(columns, [runs[n * size : (n + 1) * size] for n in range(len(rows))])


def campaign(
    defence: Defence,
    *,
    seed: str = "casnb",
    deposits: Mapping[str, str],
    client: Client | None = None,
) -> list[Outcome]:
    """Run every attack against one defence, and return what became of each; `deposits` has the
    secret that is stored in each run, by attack, and `client` reads the value.
    """
    return _side_by_side(
        lambda n, d: run(n, d, seed=seed, deposit=deposits.get(n, ""), client=client),
        [(name, defence) for name in ATTACKS],
    )


def _side_by_side(
    one: Callable[[str, Defence], Outcome], pairs: Sequence[tuple[str, Defence]]
) -> list[Outcome]:
    """Run attacks eight at a time, and return their outcomes in order."""
    with ThreadPoolExecutor(8, "casnb attack") as pool:
        return list(pool.map(lambda pair: one(*pair), pairs))
