"""How often somebody may guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.people.limits import (
    FORGET,
    LONGEST_WAIT,
    PER_ACCOUNT,
    PER_ADDRESS,
    Limiter,
    client_address,
    minutes,
    network,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Limiter:
    return Limiter(clock)


def wrong(
    limiter: Limiter, times: int, name: str = "li", address: str = "10.0.0.1", device: str | None = None
) -> float:
    """Guess wrongly; the wait that the last guess met."""
    return [limiter.begin(name, address, device) for _time in range(times)][-1]


def test_five_guesses_are_free_and_then_the_wait_doubles(limiter: Limiter, clock: Clock) -> None:
    assert wrong(limiter, 5) == 0
    waits = []
    for _time in range(6):
        waits.append(limiter.begin("li", "10.0.0.1"))
        clock.now += waits[-1]
        assert limiter.begin("li", "10.0.0.1") == 0
    assert waits == [60, 120, 240, 480, 900, 900]


def test_asking_while_waiting_does_not_lengthen_the_wait(limiter: Limiter, clock: Clock) -> None:
    wrong(limiter, 5)
    clock.now += 10
    assert wrong(limiter, 100) == 50


def test_a_right_guess_is_none(limiter: Limiter) -> None:
    for _time in range(1000):
        assert limiter.begin("li", "10.0.0.1") == 0
        limiter.right("li", "10.0.0.1")


def test_a_class_behind_one_address_is_not_kept_waiting(limiter: Limiter) -> None:
    for number in range(500):
        assert limiter.begin(f"s{number}", "10.0.0.1") == 0
        limiter.right(f"s{number}", "10.0.0.1")
    # Fifteen of them mistype four times.
    assert [wrong(limiter, 4, f"s{number}") for number in range(15)] == [0] * 15


def test_guessing_at_all_accounts_from_one_address_stops(limiter: Limiter) -> None:
    waits = [limiter.begin(f"s{number}", "10.0.0.1") for number in range(PER_ADDRESS + 1)]
    assert waits[:-1] == [0] * PER_ADDRESS
    assert waits[-1] == 60
    assert limiter.begin("s1", "10.0.0.2") == 0


def test_this_machines_own_address_is_nobodys(limiter: Limiter) -> None:
    assert {limiter.begin(f"s{number}", "127.0.0.1") for number in range(500)} == {0}


def test_another_address_does_not_keep_the_owner_out(limiter: Limiter) -> None:
    wrong(limiter, 30, address="10.0.0.66")
    assert limiter.begin("li", "10.0.0.1") == 0


def test_guessing_from_many_addresses_stops_too_but_not_for_a_known_browser(limiter: Limiter) -> None:
    waits = [limiter.begin("li", f"10.0.{number}.1") for number in range(PER_ACCOUNT + 1)]
    assert waits[:-1] == [0] * PER_ACCOUNT
    assert waits[-1] == 60
    assert limiter.begin("li", "192.168.0.1") > 0
    assert limiter.begin("li", "192.168.0.1", device="mine") == 0
    assert limiter.begin("wang", "192.168.0.1") == 0


def test_a_known_browser_may_not_guess_more(limiter: Limiter) -> None:
    assert wrong(limiter, 6, device="stolen laptop") == 60


def test_guesses_at_once_are_counted_before_they_are_looked_at(limiter: Limiter) -> None:
    assert sum(limiter.begin("li", "10.0.0.1") == 0 for _guess in range(100)) == 5


def test_an_hour_later_all_is_forgotten(limiter: Limiter, clock: Clock) -> None:
    wrong(limiter, 6)
    clock.now += FORGET + 1
    assert wrong(limiter, 5) == 0


def test_who_floods_the_memory_does_not_free_himself(clock: Clock) -> None:
    limiter = Limiter(clock, most=100)
    wrong(limiter, 6)
    for number in range(5000):
        limiter.begin(f"n{number}", f"10.{number % 250}.{number // 250}.1")
        assert len(limiter._tallies) <= 102
    assert limiter.begin("li", "10.0.0.1") > 0


@given(st.lists(st.text(max_size=2000), max_size=30))
def test_names_that_nobody_can_have_take_no_room(names: list[str]) -> None:
    limiter = Limiter()
    for name in names:
        limiter.begin("?" + name, "127.0.0.1")
    assert len(limiter._tallies) <= 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.floats(0, 2000)), max_size=60))
def test_no_wait_is_longer_than_a_quarter_of_an_hour(guesses: list[tuple[str, int, float]]) -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for name, place, pause in guesses:
        clock.now += pause
        assert 0 <= limiter.begin(name, f"10.0.0.{place}") <= LONGEST_WAIT


def test_waits_are_told_in_whole_minutes() -> None:
    assert [minutes(seconds) for seconds in (0.1, 60, 60.1, 899)] == [1, 1, 2, 15]


@pytest.mark.parametrize(
    ("forwarded", "peer", "trusted", "expected"),
    [
        (None, "10.0.0.9", [], "10.0.0.9"),
        ("10.0.0.1", "127.0.0.1", [], "10.0.0.1"),
        ("6.6.6.6, 10.0.0.1", "127.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1, 127.0.0.1", "127.0.0.1", [], "127.0.0.1"),
        ("6.6.6.6, 10.0.0.1, 127.0.0.1", "127.0.0.1", ["127.0.0.1"], "10.0.0.1"),
        ("10.0.0.1,::ffff:127.0.0.1", "127.0.0.1", ["127.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"], "127.0.0.1"),
    ],
)
def test_only_what_the_proxies_wrote_says_who_asks(
    forwarded: str | None, peer: str, trusted: list[str], expected: str
) -> None:
    assert client_address(forwarded, peer, trusted) == expected


def test_a_household_is_one_address() -> None:
    assert network("2001:db8:1:2:aaaa::1") == network("2001:db8:1:2:bbbb::2") != network("2001:db8:1:3::1")
    assert network("::ffff:10.0.0.1") == network("10.0.0.1")
    assert network("nonsense") == ""
