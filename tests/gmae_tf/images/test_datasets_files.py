"""Loaders of SVHN, CIFAR-10, CelebA and LFWcrop on small files of their published layouts."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import ImageData, load_images

PARTS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv("GMAE_DATA_DIR", raising=False)
    return folder / "gmae"


def codes(data: ImageData) -> list[list[int]]:
    """The first pixel's red and green of each image of each part, as one number."""
    corners = [getattr(data, part)[:, 0, 0].astype(int) for part in PARTS]
    return [(256 * corner[:, 0] + corner[:, 1]).tolist() for corner in corners]


def numbered(n: int, side: int, first: int = 0) -> np.ndarray:
    """Random RGB images whose corner tells their number."""
    images = np.random.default_rng(first).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = divmod(np.arange(first, first + n), 256)
    return images


# ---- SVHN


def write_svhn(folder: Path, n: int = 90, n_test: int = 26) -> tuple[np.ndarray, np.ndarray]:
    images, labels = numbered(n + n_test, 32), np.arange(n + n_test) % 10 + 1
    for name, rows in (("train", slice(0, n)), ("test", slice(n, n + n_test))):
        content = {"X": images[rows].transpose(1, 2, 3, 0), "y": labels[rows, None].astype("u1")}
        savemat(folder / f"{name}_32x32.mat", content, do_compression=True)
    return images, labels


def test_svhn_from_mat_files(tmp_path: Path) -> None:
    images, labels = write_svhn(tmp_path)
    data = load_images("svhn", data_dir=tmp_path)
    assert codes(data) == [list(range(90)), list(range(90, 99)), list(range(99, 116))]
    assert np.array_equal(data.test, images[99:])
    assert data.train_labels is not None
    assert labels.max() == 10
    assert data.train_labels[:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert data.class_names == tuple("0123456789")


def test_half_and_damaged_svhn(tmp_path: Path) -> None:
    write_svhn(tmp_path)
    train = tmp_path / "train_32x32.mat"
    whole = train.read_bytes()
    for content in (whole[: len(whole) // 2], b"nothing"):
        train.write_bytes(content)
        with pytest.raises(UserError, match=r"train_32x32\.mat is not a readable"):
            load_images("svhn", data_dir=tmp_path)
    savemat(train, {"X": np.zeros((28, 28, 3, 5), "u1"), "y": np.ones((5, 1))})
    with pytest.raises(UserError, match="not SVHN cropped"):
        load_images("svhn", data_dir=tmp_path)
    train.unlink()
    with pytest.raises(UserError, match=r"train_32x32\.mat is missing"):
        load_images("svhn", data_dir=tmp_path)


# ---- CIFAR-10


def cifar_batches(each: int = 20) -> dict[str, bytes]:
    """The binary version: a label, then planes of red, green and blue."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    planes = numbered(6 * each, 32).transpose(0, 3, 1, 2)
    return {
        name: b"".join(
            bytes([j % 10]) + planes[j].tobytes() for j in range(i * each, (i + 1) * each)
        )
        for i, name in enumerate(names)
    }


def write_cifar(folder: Path, archived: bool) -> None:
    batches = cifar_batches()
    if not archived:
        (folder / "cifar-10-batches-bin").mkdir()
        for name, content in batches.items():
            (folder / "cifar-10-batches-bin" / name).write_bytes(content)
        return
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, content in {**batches, "batches.meta.txt": b"x"}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("archived", [False, True])
def test_cifar_from_batches(tmp_path: Path, archived: bool) -> None:
    write_cifar(tmp_path, archived)
    data = load_images("cifar10", data_dir=tmp_path)
    assert codes(data) == [list(range(80)), list(range(80, 100)), list(range(100, 120))]
    images = np.concatenate([data.train, data.validation, data.test])
    assert np.array_equal(images, numbered(120, 32))
    assert data.test_labels is not None
    assert data.test_labels.tolist() == [i % 10 for i in range(100, 120)]
    assert "lossy" not in data.source
    assert data.class_names is not None
    assert data.class_names[3] == "cat"


def test_cut_and_missing_batches(tmp_path: Path) -> None:
    write_cifar(tmp_path, archived=False)
    batch = tmp_path / "cifar-10-batches-bin" / "test_batch.bin"
    content = batch.read_bytes()
    for damaged in (content[:1000], content[:-1], b""):
        batch.write_bytes(damaged)
        with pytest.raises(UserError, match=r"test_batch\.bin is no batch of CIFAR-10"):
            load_images("cifar10", data_dir=tmp_path)
    batch.unlink()
    with pytest.raises(UserError, match="has no test_batch"):
        load_images("cifar10", data_dir=tmp_path)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "cifar-10-binary.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UserError, match="cannot be read"):
        load_images("cifar10", data_dir=tmp_path / "two")


def jpeg(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def write_blob(path: Path, shades: np.ndarray, side: int, **arrays: np.ndarray) -> None:
    """Images of one shade each, so that their number survives JPEG."""
    files = [jpeg(np.full((side, side, 3), shade, dtype=np.uint8)) for shade in shades]
    offsets = np.cumsum([0, *map(len, files)])
    np.savez(path, blob=np.frombuffer(b"".join(files), np.uint8), offsets=offsets, **arrays)


def shades(data: ImageData) -> list[list[int]]:
    return [getattr(data, part)[:, 4, 4, 0].tolist() for part in PARTS]


def test_cifar_re_encoded(tmp_path: Path, cache: Path) -> None:
    labels = np.repeat(np.arange(10, dtype=np.uint8), 24)  # sorted by class
    is_test = np.resize(np.arange(24) < 4, 240)
    path = tmp_path / "cifar10_jpeg_bytes.npz"
    write_blob(path, np.arange(240), 32, y=labels, is_test=is_test)
    data = load_images("cifar10", data_dir=tmp_path)
    assert "lossy" in data.source
    assert [len(part) for part in shades(data)] == [160, 40, 40]
    assert sorted(chain(*shades(data))) == list(range(240))
    assert set(shades(data)[2]) == set(np.flatnonzero(is_test).tolist())
    for part, numbers in zip(PARTS, shades(data), strict=True):
        assert np.array_equal(getattr(data, f"{part}_labels"), labels[numbers])
        assert len(set(labels[numbers[:20]].tolist())) > 4
    stacks = list(cache.glob("cifar10*.npy"))
    assert len(stacks) == 1
    changed = stacks[0].stat().st_mtime_ns
    again = load_images("cifar10", data_dir=tmp_path)
    assert shades(again) == shades(data)
    assert stacks[0].stat().st_mtime_ns == changed
    stacks[0].write_bytes(b"damaged")
    assert shades(load_images("cifar10", data_dir=tmp_path)) == shades(data)


def test_lfwcrop(tmp_path: Path) -> None:
    write_blob(tmp_path / "lfwcrop64_jpeg_bytes.npz", np.arange(200), 64)
    data = load_images("lfwcrop", data_dir=tmp_path, seed=1)
    assert [len(part) for part in shades(data)] == [170, 15, 15]
    assert sorted(chain(*shades(data))) == list(range(200))
    assert shades(load_images("lfwcrop", data_dir=tmp_path, seed=2)) == shades(data)
    assert (data.side, data.n_classes, data.name) == (64, 0, "lfwcrop")
    with pytest.raises(UserError, match="no labels"):
        load_images("lfwcrop", data_dir=tmp_path, classes=[0])


def test_damaged_images_of_a_blob(tmp_path: Path) -> None:
    path = tmp_path / "lfwcrop64_jpeg_bytes.npz"
    write_blob(path, np.arange(80), 64)
    arrays = dict(np.load(path))
    blob, offsets = arrays["blob"].copy(), arrays["offsets"]
    blob[offsets[7] : offsets[8]] = 0
    np.savez(path, blob=blob, offsets=offsets)
    data = load_images("lfwcrop", data_dir=tmp_path)
    [line] = data.dropped
    assert line == f"image 7 of {path.name} is not an image that Pillow can read"
    assert sorted(chain(*shades(data))) == [i for i in range(80) if i != 7]
    np.savez(path, blob=np.zeros_like(blob), offsets=offsets)
    with pytest.raises(UserError, match="80 of the 80"):
        load_images("lfwcrop", data_dir=tmp_path)
    np.savez(path, blob=blob[:50], offsets=offsets)
    with pytest.raises(UserError, match="offsets"):
        load_images("lfwcrop", data_dir=tmp_path)
    write_blob(path, np.arange(80), 32)
    with pytest.raises(UserError, match="it is 32 x 32"):
        load_images("lfwcrop", data_dir=tmp_path)


# ---- CelebA


def face(number: int) -> np.ndarray:
    """178 x 218: grey by number inside the crop of 140, white outside."""
    image = np.full((218, 178, 3), 255, dtype=np.uint8)
    image[39:179, 19:159] = number
    return image


def write_celeba(folder: Path, n: int = 60) -> list[int]:
    """JPEGs and their partition, which is not in the order of the names; the parts."""
    (folder / "img_align_celeba").mkdir(parents=True)
    parts = [(0, 0, 1, 0, 2, 0)[i % 6] for i in range(n)]
    lines = []
    for i, part in enumerate(parts):
        name = f"{i + 1:06d}.jpg"
        (folder / "img_align_celeba" / name).write_bytes(jpeg(face(i)))
        lines.append(f"{name} {part}\n")
    (folder / "list_eval_partition.txt").write_text("".join(lines))
    return parts


def by_part(parts: list[int]) -> list[list[int]]:
    return [[i for i, part in enumerate(parts) if part == wanted] for wanted in range(3)]


def test_celeba_from_its_folder(tmp_path: Path, cache: Path) -> None:
    parts = write_celeba(tmp_path / "celeba")
    data = load_images("celeba", data_dir=tmp_path)
    assert shades(data) == by_part(parts)
    assert (data.side, data.channels, data.n_classes, data.dropped) == (64, 3, 0, ())
    numbers = np.array(shades(data)[0])[:, None, None, None]
    inside = data.train[:, 4:60, 4:60].astype(int)  # the border mixes JPEG's blocks
    assert np.abs(inside - numbers).max() <= 2
    assert data.train[:, 0, 0].max() < 200  # nothing of the white frame
    assert isinstance(data.train, np.memmap)
    assert len(list(cache.glob("celeba*.npy"))) == 1
    assert shades(load_images("celeba", data_dir=tmp_path)) == by_part(parts)
    assert load_images("celeba", data_dir=tmp_path, side=32).side == 32


def test_the_crop_is_the_published_one(tmp_path: Path) -> None:
    """CenterCrop(140) and Resize(64), done by hand on one photograph."""
    write_celeba(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    path = tmp_path / "img_align_celeba" / "000001.jpg"
    Image.fromarray(noise).save(path)
    crop = Image.open(path).crop((19, 39, 159, 179))
    expected = np.asarray(crop.resize((64, 64), Image.Resampling.BILINEAR))
    data = load_images("celeba", data_dir=tmp_path)
    assert np.array_equal(data.train[0], expected)


def test_celeba_with_faults(tmp_path: Path) -> None:
    parts = write_celeba(tmp_path)
    folder = tmp_path / "img_align_celeba"
    (folder / "000002.jpg").write_bytes(b"no image")
    (folder / "000003.jpg").unlink()
    Image.new("RGB", (100, 100)).save(folder / "000005.jpg")
    Image.new("RGB", (178, 218)).save(folder / "999999.jpg")
    data = load_images("celeba", data_dir=tmp_path)
    lost = {1, 2, 4}
    assert shades(data) == [[i for i in part if i not in lost] for part in by_part(parts)]
    text = "\n".join(data.dropped)
    for line in (
        "000002.jpg is not an image",
        "000005.jpg cannot be decoded (100 x 100, smaller than the crop of 140)",
        "999999.jpg is not in list_eval_partition.txt",
        "000003.jpg and 0 more of list_eval_partition.txt are not there",
    ):
        assert line in text
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 7\n")
    with pytest.raises(UserError, match="line 2"):
        load_images("celeba", data_dir=tmp_path)
    (tmp_path / "list_eval_partition.txt").unlink()
    with pytest.raises(UserError, match=r"list_eval_partition\.txt of CelebA is missing"):
        load_images("celeba", data_dir=tmp_path)


# ---- tensorflow-datasets, replaced by a module with the calls that are used


def stand_in(fail: bool = False) -> SimpleNamespace:
    """What tensorflow_datasets does for two data sets, on small arrays."""
    svhn = {"train": numbered(90, 32), "test": numbered(26, 32, first=90)}
    faces = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}

    class Builder:
        def __init__(self, name: str, **_: str) -> None:
            self.name = name
            sizes = faces if name == "celeb_a" else svhn
            splits = {part: SimpleNamespace(num_examples=len(n)) for part, n in sizes.items()}
            self.info = SimpleNamespace(full_name=f"{name}/2.1.0", splits=splits)

        def download_and_prepare(self) -> None:
            if fail:
                raise ConnectionError("no route to host\nmore")

        def as_dataset(
            self, split: str, shuffle_files: bool, batch_size: int | None = None
        ) -> Iterator[dict[str, Any]]:
            assert not shuffle_files
            assert batch_size is not None
            if self.name == "celeb_a":
                return ({"image": face(n)[None]} for n in faces[split])
            assert self.name == "svhn_cropped"
            cuts = np.arange(40, len(svhn[split]), 40)  # batches, the last one smaller
            images = np.split(svhn[split], cuts)
            labels = np.split(np.arange(len(svhn[split])) % 10, cuts)
            pairs = zip(images, labels, strict=True)
            return ({"image": image, "label": label} for image, label in pairs)

    return SimpleNamespace(as_numpy=lambda x: x, builder=Builder)


def test_svhn_and_celeba_through_tfds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", stand_in())
    data = load_images("svhn", data_dir=tmp_path)
    assert codes(data) == [list(range(90)), list(range(90, 99)), list(range(99, 116))]
    assert data.test_labels is not None
    assert data.test_labels.tolist() == [i % 10 for i in range(9, 26)]
    faces = load_images("celeba", data_dir=tmp_path)
    assert shades(faces) == [list(range(40)), list(range(40, 50)), list(range(50, 60))]
    assert "tensorflow-datasets" in faces.source
    assert shades(load_images("celeba", data_dir=tmp_path)) == shades(faces)


@pytest.mark.parametrize("name", ["svhn", "celeba"])
def test_tfds_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", stand_in(fail=True))
    with pytest.raises(UserError, match=r"no route to host\): put .* into the folder") as caught:
        load_images(name, data_dir=tmp_path)
    assert "\n" not in str(caught.value)
