"""Messages between driver and rooms: whole, bounded, and only what may be said."""

import contextlib
import os
import struct
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.messages import Answers, Message, Ran, Shown, Verdict, pack, unpack, unpack_from_student
from autograder.sandbox.channel import MOST, Channel, ChannelClosedError, MisbehavedError


@pytest.fixture
def ends():
    mine, other = Channel.pair()
    yield mine, Channel(other)
    mine.close()
    other.close()


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_messages_arrive_whole_and_in_order(messages):
    mine, other = Channel.pair()
    with other:
        for message in messages:
            mine.send(message)
        received = Channel(other)
        assert [received.receive(5) for _ in messages] == messages
    mine.close()


def test_a_message_cut_by_a_timeout_is_finished_by_the_next_receive(ends):
    mine, other = ends
    data = struct.pack("!I", 10) + b"0123456789"
    os.write(mine.fileno(), data[:7])
    with pytest.raises(TimeoutError):
        other.receive(0.05)
    os.write(mine.fileno(), data[7:])
    assert other.receive(5) == b"0123456789"


def test_a_peer_that_dribbles_gains_no_time(ends):
    mine, other = ends
    stop = threading.Event()

    def dribble() -> None:
        while not stop.wait(0.01):
            os.write(mine.fileno(), b"\0")

    os.write(mine.fileno(), struct.pack("!I", 100_000))
    thread = threading.Thread(target=dribble)
    thread.start()
    with pytest.raises(TimeoutError):
        other.receive(0.3)
    stop.set()
    thread.join()


def test_too_long_a_message_is_misbehaviour(ends):
    mine, other = ends
    os.write(mine.fileno(), struct.pack("!I", MOST + 1))
    with pytest.raises(MisbehavedError):
        other.receive(5)


def test_a_gone_peer_is_told_even_in_the_middle_of_a_message(ends):
    mine, other = ends
    os.write(mine.fileno(), struct.pack("!I", 10) + b"012")
    mine.close()
    with pytest.raises(ChannelClosedError):
        other.receive(5)


def test_threads_that_speak_at_once_do_not_cut_each_other_short(ends):
    mine, other = ends
    words = [bytes([k]) * 5000 for k in range(8)]
    threads = [threading.Thread(target=lambda w=word: [mine.send(w) for _ in range(20)]) for word in words]
    for thread in threads:
        thread.start()
    heard = [other.receive(10) for _ in range(160)]
    for thread in threads:
        thread.join()
    assert sorted(heard) == sorted(word for word in words for _ in range(20))


def test_a_descriptor_rides_along(ends):
    mine, other = ends
    read, write = os.pipe()
    mine.send(b"with", write)
    message, received = other.receive_with_descriptor()
    os.write(received, b"x")
    assert (message, os.read(read, 1)) == (b"with", b"x")
    for descriptor in (read, write, received):
        os.close(descriptor)


def test_a_students_room_may_not_speak_like_a_judge():
    verdict = pack(Verdict(25.0, "", {}, [], "", ""))
    assert unpack(verdict) == Verdict(25.0, "", {}, [], "", "")
    with pytest.raises(msgspec.ValidationError):
        unpack_from_student(verdict)
    for message in (Ran(""), Shown({"output_type": "stream", "text": "x"}), Answers({"x": b""}, False)):
        assert unpack_from_student(pack(message)) == message


@given(st.binary(max_size=300))
def test_whatever_a_room_sends_is_a_message_or_refused(data):
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        assert isinstance(unpack_from_student(data), Message)
