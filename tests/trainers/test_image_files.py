"""MNIST's and CIFAR-10's files: what is read from them, and what is refused."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
import torch

from hpsearch.trainer.seal import Sealed, unsealed
from tests.trainers.conftest import answers, cifar_batch, pictures, server, write_mnist
from tests.trainers.conftest import idx as written
from trainers import cifar10, mnist
from trainers.kit import cifar, idx
from trainers.kit.fetch import DataMissing

# MNIST ───────────────────────────────────────────────────────────────────────────────────────────

PIXELS, LABELS = pictures(30, 1, 28)


def test_an_idx_file_is_read_as_it_was_written_gzipped_or_not():
    for content in (written(PIXELS[:, 0]), gzip.compress(written(PIXELS[:, 0]))):
        assert np.array_equal(idx.parse(content, 3, "here"), PIXELS[:, 0])
    assert np.array_equal(idx.parse(written(LABELS), 1, "here"), LABELS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (written(LABELS), "not an IDX file of bytes in 3 dimensions: it begins with .*x01"),
        (b"<html>", "not an IDX file"),
        (b"", "not an IDX file"),
        (written(PIXELS[:, 0])[:-1], "23519 values do not make up 30 x 28 x 28"),
        (written(PIXELS[:, 0])[:9], "it ends within its header"),
        (gzip.compress(written(PIXELS[:, 0]))[:-20], "damaged"),
        (b"\x1f\x8bnonsense", "damaged"),
    ],
    ids=["labels", "a page", "empty", "cut by a byte", "cut in its head", "a cut gzip", "no gzip"],
)
def test_what_is_no_idx_file_of_images_is_refused_with_its_place(content, reason):
    with pytest.raises(ValueError, match=f"here: {reason}"):
        idx.parse(content, 3, "here")


def test_the_data_folder_comes_first_with_or_without_gz(data_dir, tmp_path):
    images, labels = idx.images(data_dir, "train", "http://nowhere.invalid/"), idx.labels(data_dir, "train")
    assert images.shape == (200, 1, 28, 28)
    assert images.dtype == torch.uint8
    assert labels.bincount().tolist() == [20] * 10
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").write_bytes(written(LABELS))
    assert idx.labels(tmp_path, "train", "http://nowhere.invalid/").tolist() == LABELS.tolist()


def test_without_the_folder_it_is_downloaded_and_checked(empty_cache, monkeypatch):
    content = gzip.compress(written(LABELS))
    with server(answers(content)) as url:
        with pytest.raises(DataMissing, match=r"set HPSEARCH_DATA .* holds mnist/train-labels.*SHA-256"):
            idx.labels(None, "train", url)
        monkeypatch.setitem(idx.SHA256, "train-labels-idx1-ubyte.gz", hashlib.sha256(content).hexdigest())
        assert idx.labels(None, "train", url).tolist() == LABELS.tolist()


def test_a_search_needs_the_training_files_alone_and_the_test_is_sealed(tmp_path):
    write_mnist(tmp_path, 100)
    assert len(mnist.load(tmp_path).train) == 80
    with pytest.raises(Sealed):
        mnist.held_out(tmp_path)
    for name, array in (("images-idx3", PIXELS[:, 0]), ("labels-idx1", LABELS)):
        (tmp_path / "mnist" / f"t10k-{name}-ubyte").write_bytes(written(array))
    with unsealed("the test of this test"):
        assert len(mnist.held_out(tmp_path)) == 30


# CIFAR-10 ────────────────────────────────────────────────────────────────────────────────────────


def archive(names: tuple[str, ...], n: int = 10) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for number, name in enumerate(names):
            member = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
            member.size = n * cifar.RECORD
            tar.addfile(member, io.BytesIO(cifar_batch(n, number)))
    return buffer.getvalue()


def test_records_are_a_class_and_the_pixels_of_three_channels():
    pixels, labels = pictures(10, 3, 32)
    images, classes = cifar.parse(cifar_batch(10), "here")
    assert np.array_equal(images.numpy(), pixels)
    assert classes.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes are not examples"),
        (cifar_batch(2)[:-1], "6145 bytes"),
        (b"\x0a" + cifar_batch(1)[1:], "class 10 is not one of 0 to 9"),
    ],
    ids=["empty", "cut", "an eleventh class"],
)
def test_what_is_no_batch_is_refused_with_its_place(content, reason):
    with pytest.raises(ValueError, match=f"here: .*{reason}"):
        cifar.parse(content, "here")


def test_unpacked_and_packed_it_is_the_same(data_dir, tmp_path):
    images, labels = cifar.read(data_dir, cifar.TRAINING, "http://nowhere.invalid/")
    assert images.shape == (100, 3, 32, 32)
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / cifar.ARCHIVE).write_bytes(archive(cifar.TRAINING, 20))
    packed = cifar.read(tmp_path, cifar.TRAINING, "http://nowhere.invalid/")
    assert torch.equal(packed[0], images)
    assert torch.equal(packed[1], labels)


@pytest.mark.parametrize(
    "content",
    [b"<html>", archive(cifar.TRAINING[:3]), archive(cifar.TRAINING)[:-5000]],
    ids=["a page", "too few", "cut"],
)
def test_an_archive_that_is_not_it_is_refused(content):
    with pytest.raises(ValueError, match="here: "):
        cifar.unpack(content, cifar.TRAINING, "here")


def test_without_the_folder_the_archive_is_downloaded_and_checked(empty_cache, monkeypatch):
    content = archive(cifar.TRAINING)
    with server(answers(content)) as url:
        with pytest.raises(DataMissing, match=r"set HPSEARCH_DATA .* holds cifar-10/cifar-10-binary\.tar\.gz.*SHA-256"):
            cifar.read(None, cifar.TRAINING, url)
        monkeypatch.setattr(cifar, "SHA256", hashlib.sha256(content).hexdigest())
        images, _ = cifar.read(None, cifar.TRAINING, url)
    assert images.shape == (50, 3, 32, 32)


def test_the_test_batch_is_sealed(tmp_path):
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / cifar.ARCHIVE).write_bytes(archive((*cifar.TRAINING, *cifar.TEST)))
    with pytest.raises(Sealed):
        cifar10.held_out(tmp_path)
    with unsealed("the test of this test"):
        assert len(cifar10.held_out(tmp_path)) == 10
