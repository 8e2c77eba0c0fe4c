import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hpsearch.provenance import data_hashes
from hpsearch.provenance.data_hashes import digest

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""Of "abc": FIPS 180-2, appendix B.1."""


def test_bytes_and_a_file_of_them_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"abc")
    assert digest(b"abc") == digest(tmp_path / "data.bin") == ABC


def test_several_are_not_one(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"abc")
    assert digest(b"abc", tmp_path / "data.bin") == hashlib.sha256(f"{ABC}{ABC}".encode()).hexdigest()
    assert digest(b"ab", b"c") != digest(b"a", b"bc")


class TestFolder:
    def test_is_what_sha256sum_prints(self, tmp_path: Path) -> None:
        (tmp_path / "inside").mkdir()
        (tmp_path / "inside" / "b").write_bytes(b"abc")
        (tmp_path / "a").write_bytes(b"abc")
        assert digest(tmp_path) == hashlib.sha256(f"{ABC}  a\n{ABC}  inside/b\n".encode()).hexdigest()

    def test_a_name_and_a_content_count(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        seen = {digest(tmp_path)}
        (tmp_path / "a").rename(tmp_path / "b")
        seen.add(digest(tmp_path))
        (tmp_path / "b").write_bytes(b"abd!")
        seen.add(digest(tmp_path))
        assert len(seen) == 3


class TestArrays:
    def test_a_tensor_and_an_array_are_the_same(self) -> None:
        numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert digest(numbers) == digest(torch.tensor(numbers)) == digest(numbers.copy(order="F"))
        assert digest(numbers) == digest(torch.tensor(numbers.T.copy()).T)

    def test_known_answer(self) -> None:
        said = b"int64 (2,)\n" + (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
        assert digest(np.array([1, 2], dtype="<i8")) == hashlib.sha256(said).hexdigest()

    def test_type_shape_and_values_count(self) -> None:
        zeros = [np.zeros(4, np.float32), np.zeros((2, 2), np.float32), np.zeros(4, np.int32), np.ones(4, np.float32)]
        assert len(set(map(digest, zeros))) == 4

    @pytest.mark.parametrize("kind", [torch.bfloat16, torch.bool, torch.uint8, torch.float64])
    def test_every_kind_of_tensor(self, kind: torch.dtype) -> None:
        assert digest(torch.ones(3).to(kind)) != digest(torch.zeros(3).to(kind))

    @pytest.mark.parametrize("empty", [np.zeros((0, 3)), torch.zeros(0, 3), torch.tensor(1.0), np.array(1.0)])
    def test_few_or_none(self, empty: object) -> None:
        assert len(digest(empty)) == 64

    def test_written_to(self) -> None:
        tensor = torch.zeros(3)
        before = digest(tensor)
        tensor[1] = 1.0
        assert digest(tensor) == digest(torch.tensor([0.0, 1.0, 0.0])) != before

    def test_an_inference_tensor(self) -> None:
        with torch.inference_mode():
            assert digest(torch.zeros(3)) == digest(np.zeros(3, np.float32))


class TestOnce:
    def test_an_array_is_read_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers, tensor = np.zeros(3), torch.zeros(3)
        before = digest(numbers), digest(tensor)
        monkeypatch.setattr(data_hashes, "_array", lambda _: pytest.fail("it was read again"))
        assert (digest(numbers), digest(tensor)) == before

    def test_the_cache_drops_deleted_arrays(self) -> None:
        before = len(data_hashes._arrays)
        for size in range(20):
            assert digest(np.zeros(size)) == digest(torch.zeros(size, dtype=torch.float64))
        assert len(data_hashes._arrays) == before

    def test_a_file_that_changed_is_read_again(self, tmp_path: Path) -> None:
        path = tmp_path / "data.bin"
        path.write_bytes(b"abd")
        before = digest(path)
        path.write_bytes(b"abc")
        os.utime(path, ns=(1, 1))
        assert digest(path) == ABC != before


@pytest.mark.parametrize("thing", ["data.bin", 3, [1, 2], None, np.array([object()])])
def test_what_has_no_bytes_of_its_own(thing: object) -> None:
    with pytest.raises(TypeError, match=r"is not a Path, bytes, an array or a tensor|Python objects"):
        digest(thing)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "nothing")
