"""A folder of files as a part of a checkpoint."""

from pathlib import Path

import pytest
import torch

from hpsearch.trainer.checkpoint_files import read_files, write_files


def test_the_files_come_back(tmp_path: Path) -> None:
    (tmp_path / "old" / "inside").mkdir(parents=True)
    (tmp_path / "old" / "inside" / "a.bin").write_bytes(b"\x00\xff")
    (tmp_path / "old" / "empty").touch()
    write_files(read_files(tmp_path / "old"), tmp_path / "new")
    assert (tmp_path / "new" / "inside" / "a.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "new" / "empty").read_bytes() == b""


@pytest.mark.parametrize("name", ["../stolen", "inside/../../stolen", "{outside}/stolen", "link/stolen"])
def test_none_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "outside" / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    content = {name.format(outside=outside): torch.zeros(1, dtype=torch.uint8)}
    with pytest.raises(ValueError, match="outside its folder"):
        write_files(content, folder)
    assert not (outside / "stolen").exists()
