"""Data sets: the real files where they are at hand, generated ones everywhere."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import official_files
import pytest
import torch

from marginflow import data


@pytest.fixture
def root(files, monkeypatch):
    official_files.use_generated(files, monkeypatch.setitem, monkeypatch.setattr)
    return files


SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}


@pytest.mark.parametrize("name", SHAPES)
def test_generated_files_are_read(name, root):
    train = data.load_images(name, root, train=True)
    test = data.load_images(name, root, train=False, limit=7)
    assert train.x.shape == (official_files.TRAIN, *SHAPES[name])
    assert test.x.shape == (7, *SHAPES[name])
    for images in (train, test):
        assert images.x.dtype == torch.float32
        assert 0 <= images.x.min() < 0.1 < 0.9 < images.x.max() <= 1
        assert images.x.is_contiguous(memory_format=torch.channels_last)
        assert images.y.dtype == torch.int64
        assert set(images.y.tolist()) <= set(range(10))
    assert train.md5 != test.md5


def test_pixels_keep_their_places(root):
    # The first MNIST image, straight from the file.
    raw = (root / "MNIST/raw/train-images-idx3-ubyte").read_bytes()[16 : 16 + 784]
    image = data.load_images("mnist", root, train=True, limit=1).x[0, 0]
    assert (255 * image).round().byte().flatten().tolist() == list(raw)


@pytest.mark.parametrize("name", SHAPES)
def test_real_files_where_at_hand(name):
    root = official_files.real_root()
    if root is None:
        pytest.skip("the official files are not on this machine")
    assert not any(data.check_files(name, root).values())
    images = data.load_images(name, root, train=True, limit=1000)
    assert images.x.shape == (1000, *SHAPES[name])
    first = {"mnist": [5, 0, 4, 1, 9], "cifar10": [6, 9, 9, 4, 1]}[name]
    assert images.y[:5].tolist() == first


def test_missing_files_are_all_named(tmp_path):
    with pytest.raises(data.DataError, match=r"4 of the data files") as caught:
        data.load_images("mnist", tmp_path, train=True)
    assert str(caught.value).count("is missing") == 4
    assert "--download" in str(caught.value)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "foreign"])
def test_each_damaged_file_is_named(name, damage, root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    for relative in data.DATA_SETS[name]:
        path = copy / relative
        whole = path.read_bytes()
        if damage == "truncated":
            path.write_bytes(whole[:-1])
        elif damage == "flipped":
            middle = len(whole) // 2
            path.write_bytes(
                whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
            )
        elif damage == "missing":
            path.unlink()
        else:
            path.write_bytes(b"<html>Not Found</html>")
        with pytest.raises(data.DataError, match="1 of the data files") as caught:
            data.load_images(name, copy, train=True)
        assert str(path) in str(caught.value)
        path.write_bytes(whole)
    assert len(data.load_images(name, copy, train=True)) == official_files.TRAIN


@pytest.mark.parametrize("limit", [0, -1, official_files.TRAIN + 1, 2.5, True])
def test_limit_out_of_range(limit, root):
    with pytest.raises(ValueError, match=r"limit is .*(1 to 50|positive integer)"):
        data.load_images("mnist", root, train=True, limit=limit)


def test_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="data set is 'svhn'; choose one of"):
        data.load_images("svhn", tmp_path, train=True)


def test_root_by_argument_environment_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("MARGINFLOW_DATA", str(tmp_path / "a"))
    assert data.data_root() == tmp_path / "a"
    assert data.data_root(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("MARGINFLOW_DATA")
    assert "marginflow" in str(data.data_root())


@pytest.fixture
def mirror(root, tmp_path, monkeypatch):
    """A server on this machine in the place of MNIST's, with the generated archives."""
    import torchvision

    archive = tmp_path / "archive"
    resources = official_files.gzipped_mnist(root, archive)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(archive))
    ) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("mirror")
def test_download_fetches_and_checks(tmp_path):
    target = tmp_path / "new" / "folder"
    data.download("mnist", target)
    assert len(data.load_images("mnist", target, train=True)) == official_files.TRAIN
    data.download("mnist", target)  # nothing left to do


def test_download_that_fails_says_what_to_do(root, tmp_path, monkeypatch):
    import torchvision

    # A port that nothing listens on.
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(data.DataError, match="could not be fetched") as caught:
        data.download("mnist", tmp_path / "target")
    assert "MARGINFLOW_DATA" in str(caught.value)


def test_download_into_a_place_that_is_no_folder(root, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match="could not be fetched"):
        data.download("mnist", tmp_path / "file" / "below")


def test_streams_are_named_by_their_key():
    draw = [torch.rand(3, generator=data.seeded_generator(4, k)) for k in (0, 1, 0)]
    assert torch.equal(draw[0], draw[2])
    assert not torch.equal(draw[0], draw[1])


def test_epoch_order_is_a_permutation():
    order = data.epoch_order(12, 4, data.seeded_generator(1))
    assert order.shape == (3, 4)
    assert sorted(order.flatten().tolist()) == list(range(12))
    assert not torch.equal(order, data.epoch_order(12, 4, data.seeded_generator(2)))
    with pytest.raises(ValueError, match="batch is 5; it must divide the 12"):
        data.epoch_order(12, 5, data.seeded_generator(1))
