"""How often somebody may guess: a password, an invitation code.

Wrong guesses are counted in four ways; whichever is over its allowance makes the next guess wait.

- *account and address*: five wrong guesses, then 1, 2, 4 … 15 minutes. It stops guessing from one place and hurts
  nobody at another.
- *account and device*: the same allowance for a browser that has logged in to this account before (a signed cookie
  says so). It is counted apart from everything else, so nobody else's guesses keep a student out of the own account.
- *account*: sixty wrong guesses from wherever, then 1 … 15 minutes. It stops guessing from many places, and is too
  dear to be a way to lock a fellow student out: a browser that is known passes all the same.
- *address*: a hundred wrong guesses for all accounts together, then 1 … 15 minutes. A lesson full of students behind
  one address stays far below it, because only wrong guesses count. Not applied to this machine's own address, which
  everybody seems to have when a web server stands in front and ``trusted_proxies`` is not set.

A guess that must wait is not looked at. Names that nobody has are counted like others. What is remembered is forgotten
an hour after the last wrong guess, and is never more than :data:`MOST` entries.
"""

import ipaddress
import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from course.people.model import NAME

MOST = 20_000
FORGET = 3600.0
LONGEST_WAIT = 900.0
SHORTEST_WAIT = 60.0
PER_PLACE, PER_ACCOUNT, PER_ADDRESS = 5, 60, 100

Key = tuple[str, ...]


@dataclass
class _Tally:
    wrong: int = 0
    last: float = 0.0
    until: float = 0.0


@dataclass
class Limiter:
    """Counts wrong guesses; in memory, so a restart of the hub forgets them."""

    clock: Callable[[], float] = time.monotonic
    most: int = MOST
    _tallies: dict[Key, _Tally] = field(default_factory=dict)

    def begin(self, name: str, address: str, device: str | None = None) -> float:
        """Ask for a guess: seconds to wait, or 0 and the guess counts as wrong until :meth:`right` is called.

        Counted before it is looked at: a hundred guesses sent at once must not all get in before the first is counted.

        :param device: what the browser's cookie says, if it has logged in to this account before.
        """
        allowances = self._allowances(name, address, device)
        now = self.clock()
        waits = [self._tallies[key].until - now for key in allowances if key in self._tallies]
        if waits and max(waits) > 0:
            return max(waits)
        for key, allowed in allowances.items():
            self._count(key, allowed, now)
        return 0.0

    def right(self, name: str, address: str, device: str | None = None) -> None:
        """The guess was right: it was none. Wrong ones from elsewhere stay counted."""
        for key in self._allowances(name, address, device):
            if key[0] in ("place", "device"):
                self._tallies.pop(key, None)
            elif tally := self._tallies.get(key):
                tally.wrong -= 1
                tally.until = 0.0

    def _allowances(self, name: str, address: str, device: str | None) -> dict[Key, int]:
        name = name if NAME.fullmatch(name) else ""  # what can be nobody's name is one name
        if device:
            return {("device", name, device): PER_PLACE}
        place = network(address)
        allowances: dict[Key, int] = {("place", name, place): PER_PLACE, ("account", name): PER_ACCOUNT}
        return allowances if is_loopback(place) else {**allowances, ("address", place): PER_ADDRESS}

    def _count(self, key: Key, allowed: int, now: float) -> None:
        tally = self._tallies.get(key)
        if tally is None or now - tally.last > FORGET:
            if len(self._tallies) >= self.most:
                self._make_room(now)
            tally = self._tallies[key] = _Tally()
        tally.wrong += 1
        tally.last = now
        if tally.wrong >= allowed:
            doublings = min(tally.wrong - allowed, 10)
            tally.until = now + min(SHORTEST_WAIT * 2**doublings, LONGEST_WAIT)

    def _make_room(self, now: float) -> None:
        """Forget what is old; if that is little, the lesser half: who floods the memory must not free himself."""
        fresh = {key: tally for key, tally in self._tallies.items() if now - tally.last <= FORGET}
        if len(fresh) >= self.most:
            order = sorted(fresh, key=lambda key: (fresh[key].wrong, fresh[key].last), reverse=True)
            fresh = {key: fresh[key] for key in order[: self.most // 2]}
        self._tallies = fresh


def minutes(seconds: float) -> int:
    """Whole minutes to tell."""
    return max(1, math.ceil(seconds / 60))


def network(address: str) -> str:
    """The address, or the /64 network of an IPv6 address, all of which one household has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def is_loopback(address: str) -> bool:
    return not address or address == "::" or ipaddress.ip_address(address).is_loopback


def client_address(forwarded: str | None, peer: str, trusted: Collection[str]) -> str:
    """Who asks, seen from the hub's proxy.

    The proxy adds the address it was asked from at the end of ``X-Forwarded-For``; what stands before it was written by
    whoever asked, and counts only as far as it was added by a trusted web server. Tornado's ``remote_ip`` will not do:
    it believes any ``X-Real-Ip``.
    """
    hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()]
    for hop in reversed(hops):
        if network(hop) not in {network(one) for one in trusted}:
            return hop
    return hops[0] if hops else peer
