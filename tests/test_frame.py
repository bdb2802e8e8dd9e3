"""Frames survive the trip, and rubbish between them does no harm."""

from hypothesis import given
from hypothesis import strategies as st

from tinykit.host.frame import (
    MAX_ENCODED_BYTES,
    MAX_PAYLOAD_BYTES,
    Frame,
    FrameDecoder,
    FrameType,
    decode,
    encode,
)

frames = st.builds(
    Frame,
    type=st.integers(0, 0xFF),
    sequence=st.integers(0, 0xFFFF),
    offset=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=MAX_PAYLOAD_BYTES),
)


@given(frames)
def test_a_frame_decodes_to_itself(frame: Frame) -> None:
    encoded = encode(frame)

    assert len(encoded) <= MAX_ENCODED_BYTES
    assert encoded.index(0) == len(encoded) - 1
    assert decode(encoded[:-1]) == frame


def test_the_longest_frame_fits_512_bytes() -> None:
    for payload in (b"\x00" * MAX_PAYLOAD_BYTES, b"\xff" * MAX_PAYLOAD_BYTES):
        assert len(encode(Frame(FrameType.WRITE, 0xFFFF, 0xFFFFFFFF, payload))) <= 512


def test_a_hello_has_these_bytes() -> None:
    # The firmware's tests have the same transcript.
    assert encode(Frame(FrameType.HELLO)).hex() == "03010101010101010101050b17331b00"


@given(frames, st.data())
def test_a_flipped_bit_is_never_accepted(frame: Frame, data: st.DataObject) -> None:
    encoded = bytearray(encode(frame)[:-1])
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8

    assert decode(bytes(encoded)) is None


@given(st.binary(max_size=600))
def test_rubbish_is_no_frame(rubbish: bytes) -> None:
    assert decode(rubbish) is None


@given(st.lists(frames, max_size=5), st.binary(max_size=1500), st.integers(1, 700))
def test_the_stream_decoder_finds_all_frames_behind_garbage(
    sent: list[Frame], garbage: bytes, chunk: int
) -> None:
    decoder = FrameDecoder()
    stream = garbage + b"\x00" + b"".join(encode(frame) for frame in sent)

    found = []
    for start in range(0, len(stream), chunk):
        found += decoder.feed(stream[start : start + chunk])

    assert found == sent
    assert decoder.dropped_bytes == len(garbage.replace(b"\x00", b""))
    assert decoder.pending_bytes() == 0


def test_an_endless_run_without_a_delimiter_takes_no_memory() -> None:
    decoder = FrameDecoder()
    for _ in range(1000):
        assert decoder.feed(b"\xaa" * 1000) == []

    assert decoder.pending_bytes() < MAX_ENCODED_BYTES
    assert decoder.feed(b"\x00" + encode(Frame(FrameType.RUN, 7))) == [Frame(FrameType.RUN, 7)]


def test_a_frame_that_swallowed_its_delimiter_costs_only_itself() -> None:
    first, second = encode(Frame(FrameType.RUN, 1)), encode(Frame(FrameType.RUN, 2))

    assert FrameDecoder().feed(first[:-1] + second + first) == [Frame(FrameType.RUN, 1)]
