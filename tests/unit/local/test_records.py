"""Records on disk: whole, torn at the end, damaged in the middle."""

from __future__ import annotations

import pytest

from headrace.local.records import DataError, Torn, frame, read

PAYLOADS = [b'{"a":1}', b"[1,2]", b"{}"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "records.log"
    path.write_bytes(b"".join(map(frame, PAYLOADS)))
    return path


def test_whole_records_are_read_back(file):
    assert list(read(file)) == PAYLOADS


def test_a_file_cut_anywhere_in_its_last_record_is_torn_there(file):
    content = file.read_bytes()
    start = len(frame(PAYLOADS[0])) + len(frame(PAYLOADS[1]))
    for length in range(start + 1, len(content)):
        file.write_bytes(content[:length])
        assert list(read(file)) == [*PAYLOADS[:2], Torn(start)]


def test_a_tail_of_zeros_is_torn(file):
    content = file.read_bytes()
    file.write_bytes(content + b"\0" * 4096)
    assert list(read(file)) == [*PAYLOADS, Torn(len(content))]


@pytest.mark.parametrize("at", [0, 3, 8, 9, 15])
def test_damage_before_other_records_names_file_and_place(file, at):
    content = bytearray(file.read_bytes())
    content[at] ^= 0x01
    file.write_bytes(content)
    with pytest.raises(DataError, match="is damaged at byte 0") as error:
        list(read(file))
    assert str(file) in str(error.value)
