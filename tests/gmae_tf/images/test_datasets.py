"""Splits, options and errors of image data sets, on small files of the published layouts."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import DATASETS, ImageData, load_images, pixels, published
from gmae_tf.images.datasets.arrays import from_arrays
from gmae_tf.images.datasets.image_data import Parts, last_validates, part_size, random_parts

PARTS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def no_other_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's data nor the user's cache."""
    folder = request.getfixturevalue("tmp_path_factory").mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    if "data" not in request.keywords:
        monkeypatch.delenv("GMAE_DATA_DIR", raising=False)


def numbered(n: int, side: int = 28, channels: int | None = None, first: int = 0) -> np.ndarray:
    """Images that tell their own number: in two pixels of the middle, two bytes."""
    shape = (n, side, side) if channels is None else (n, side, side, channels)
    images = np.full(shape, 7, dtype=np.uint8)
    number = np.arange(first, first + n)
    middle = images.reshape(n, side, side, channels or 1)[:, side // 2]
    middle[:, 0] = (number // 256)[:, None]
    middle[:, 1] = (number % 256)[:, None]
    return images


def number_of(images: np.ndarray, side: int = 28) -> list[int]:
    """What `numbered` wrote, from images that may be padded."""
    offset = (images.shape[1] - side) // 2
    row = images[:, side // 2 + offset, offset:, 0].astype(int)
    return (256 * row[:, 0] + row[:, 1]).tolist()


def write_mnist(folder: Path, n: int = 120, n_test: int = 40, name: str = "mnist") -> None:
    rng = np.random.default_rng(1)
    np.savez(
        folder / f"{name}.npz",
        x_train=numbered(n),
        y_train=np.resize(np.arange(10, dtype=np.uint8), n),
        x_test=numbered(n_test, first=n),
        y_test=rng.permutation(np.resize(np.arange(10, dtype=np.uint8), n_test)),
    )


@given(st.integers(3, 400), st.data())
def test_random_parts_are_disjoint_and_complete(n: int, data: st.DataObject) -> None:
    validation = data.draw(st.integers(1, n - 2))
    test = data.draw(st.integers(1, n - 1 - validation))
    seed = data.draw(st.integers(0, 5))
    parts = random_parts(n, validation, test, np.random.default_rng(seed))
    assert [len(part) for part in parts] == [n - validation - test, validation, test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))


@given(st.integers(2, 300), st.integers(1, 100))
def test_the_last_training_images_validate(n: int, n_test: int) -> None:
    held = part_size(n, 10, 60)
    parts = last_validates(n, n_test, held)
    assert np.concatenate(parts).tolist() == list(range(n + n_test))
    assert len(parts.test) == n_test
    assert len(parts.validation) == held == max(1, n // 6)


def test_published_sizes_of_parts() -> None:
    assert part_size(60_000, 10_000, 60_000) == 10_000
    assert part_size(26_032, 10_000, 26_032) == 10_000
    assert part_size(13_233, 1000, 13_233) == 1000


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_digits_are_padded_and_every_image_is_in_one_part(tmp_path: Path, name: str) -> None:
    write_mnist(tmp_path, name=name)
    data = load_images(name, data_dir=tmp_path)
    assert number_of(data.train) == list(range(100))
    assert number_of(data.validation) == list(range(100, 120))
    assert number_of(data.test) == list(range(120, 160))
    assert (data.side, data.channels, data.n_classes, data.name) == (32, 1, 10, name)
    frame = np.ones((32, 32), dtype=bool)
    frame[2:30, 2:30] = False
    assert not data.train[:, frame].any()
    assert data.train[0, 2, 2, 0] == 7
    assert data.train_labels is not None
    assert data.train_labels.tolist() == [i % 10 for i in range(100)]
    assert data.train_labels.dtype == np.int64


def test_side_28_leaves_digits_as_published(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    data = load_images("mnist", data_dir=tmp_path, side=28)
    assert np.array_equal(data.test[..., 0], numbered(40, first=120))
    assert "padded" not in data.source


def test_the_data_folder_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mnist").mkdir()
    write_mnist(tmp_path / "mnist")
    monkeypatch.setenv("GMAE_DATA_DIR", str(tmp_path))
    assert len(load_images("mnist").test) == 40
    monkeypatch.setenv("GMAE_DATA_DIR", str(tmp_path / "gone"))
    with pytest.raises(UserError, match="GMAE_DATA_DIR"):
        load_images("mnist")


def test_n_draws_training_images_by_seed(tmp_path: Path) -> None:
    write_mnist(tmp_path)

    def drawn(seed: int) -> list[int]:
        data = load_images("mnist", data_dir=tmp_path, n=60, seed=seed)
        assert data.train_labels is not None
        assert data.train_labels.tolist() == [i % 10 for i in number_of(data.train)]
        assert len(data.validation) == 20
        return number_of(data.train)

    assert drawn(0) == drawn(0) != drawn(1)
    assert len(set(drawn(0))) == 60
    assert set(drawn(0)) <= set(range(100))
    assert len(load_images("mnist", data_dir=tmp_path, n=10**6).train) == 100


def test_classes_keep_their_numbers_in_all_parts(tmp_path: Path) -> None:
    write_mnist(tmp_path, n=600, n_test=100)
    data = load_images("mnist", data_dir=tmp_path, classes=[1, 8])
    assert len(data.train) == 100
    assert number_of(data.train)[:4] == [1, 8, 11, 18]
    for part in PARTS:
        assert set(getattr(data, f"{part}_labels").tolist()) == {1, 8}
        assert len(getattr(data, part)) == len(getattr(data, f"{part}_labels"))
    assert data.n_classes == 10


def test_side_and_channels_of_published_sets(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    data = load_images("mnist", data_dir=tmp_path, side=16, channels=3)
    assert data.train.shape == (100, 16, 16, 3)
    assert np.array_equal(data.test[..., 0], data.test[..., 2])
    assert data.test[0, 8, 8, 0] == pytest.approx(7, abs=1)  # a constant stays one
    assert "16 x 16" in data.source


def test_pixels_are_between_0_and_1() -> None:
    values = pixels(np.array([0, 51, 255], dtype=np.uint8))
    assert values.dtype == np.float32
    assert values.tolist() == pytest.approx([0.0, 0.2, 1.0])


def test_the_record_refuses_what_does_not_fit() -> None:
    images = numbered(3, 8, 1)

    def record(validation: np.ndarray, labels: np.ndarray | None = None) -> ImageData:
        return ImageData("x", images, validation, images, labels, None, None, None, "x")

    assert record(images).n_classes == 0
    with pytest.raises(ValueError, match="shapes"):
        record(numbered(3, 8, 3))
    with pytest.raises(ValueError, match="uint8"):
        record(images.astype(float))
    with pytest.raises(ValueError, match="labels"):
        record(images, np.zeros(3, dtype=np.int64))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 49}, "n is 49"),
        ({"side": 30}, "side is 30"),
        ({"side": 4}, "side is 4"),
        ({"channels": 2}, "channels is 2"),
        ({"classes": [3, 12]}, r"class 12 is not in mnist: choose among 0 \(0\)"),
        ({"classes": []}, "no class"),
    ],
)
def test_options_out_of_range(tmp_path: Path, options: dict[str, object], message: str) -> None:
    write_mnist(tmp_path)
    with pytest.raises(UserError, match=message):
        load_images("mnist", data_dir=tmp_path, **options)  # type: ignore[arg-type]


def test_unknown_names_are_guessed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"did you mean fashion_mnist\?") as caught:
        load_images("Fashion-MNIST2", data_dir=tmp_path)
    assert all(name in str(caught.value) for name in DATASETS)
    with pytest.raises(UserError, match="no data set, folder or file"):
        load_images(tmp_path / "nothing")
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(UserError, match="one file"):
        load_images(tmp_path / "note.txt")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("mnist", ["mnist.npz"]),
        ("fashion_mnist", ["fashion_mnist.npz"]),
        ("cifar10", ["cifar-10-binary.tar.gz"]),
        ("svhn", ["train_32x32.mat", "test_32x32.mat", "pip install tensorflow-datasets"]),
        ("celeba", ["img_align_celeba", "list_eval_partition.txt", "tensorflow-datasets"]),
        ("lfwcrop", ["lfwcrop64_jpeg_bytes.npz"]),
    ],
)
def test_without_a_network_the_file_to_give_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, files: list[str]
) -> None:
    import sys

    import keras

    def refuse() -> None:
        raise Exception("URL fetch failure")

    if hasattr(keras.datasets, name):
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", refuse)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)  # as if it were not installed
    with pytest.raises(UserError) as caught:
        load_images(name, data_dir=tmp_path)
    for expected in (*files, "--data-dir", "GMAE_DATA_DIR"):
        assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_keras_downloads_is_divided_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    labels = np.resize(np.arange(10, dtype=np.uint8), 120)
    pair = (numbered(120), labels), (numbered(40, first=120), labels[:40])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pair)
    data = load_images("mnist", data_dir=tmp_path)
    assert number_of(data.validation) == list(range(100, 120))
    assert "keras.datasets" in data.source


def test_what_keras_does_not_check_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    pair = (numbered(120), np.zeros(120, np.uint8)), (numbered(40), np.zeros(40, np.uint8))
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: pair)
    with pytest.raises(UserError, match="is not Fashion-MNIST"):
        load_images("fashion_mnist", data_dir=tmp_path)
    checksum = published._checksum(*pair[0], *pair[1])
    monkeypatch.setattr(published, "FASHION_MNIST_SHA256", checksum)
    assert len(load_images("fashion_mnist", data_dir=tmp_path).train) == 100


@pytest.mark.data
def test_the_checksum_is_that_of_the_published_images(data_dir: Path) -> None:
    with np.load(data_dir / "fashion_mnist.npz") as file:
        arrays = [file[name] for name in published.MNIST_ARRAYS]
    assert published._checksum(*arrays) == published.FASHION_MNIST_SHA256


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip file", "not a readable NumPy file"),
        ({"x_train": numbered(9)}, "no y_train"),
        (dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), numbered(9, 20)), "28 x 28"),
        ({"x_train": np.array([{}], dtype=object)}, "not a readable NumPy file"),
    ],
)
def test_damaged_digits(tmp_path: Path, content: bytes | dict[str, object], message: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / "mnist.npz").write_bytes(content)
    else:
        np.savez(tmp_path / "mnist.npz", **content)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=message):
        load_images("mnist", data_dir=tmp_path)


# ---- arrays of the user's


def test_one_array_is_drawn_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", numbered(300, 20))
    data = load_images(tmp_path / "mine.npy", seed=3)
    shown = [number_of(getattr(data, part), 20) for part in PARTS]
    assert [len(part) for part in shown] == [240, 30, 30]
    assert sorted(chain(*shown)) == list(range(300))
    assert shown[0] != sorted(shown[0])
    assert data.n_classes == 0
    assert number_of(load_images(tmp_path / "mine.npy", seed=4).test, 20) != shown[2]
    with pytest.raises(UserError, match="no labels"):
        load_images(tmp_path / "mine.npy", classes=[1])


def test_labels_go_with_their_images(tmp_path: Path) -> None:
    images = numbered(200, 8, 3)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(200)[:, None] % 7)
    data = load_images(tmp_path / "mine.npz")
    for part in PARTS:
        numbers = np.array(number_of(getattr(data, part), 8))
        assert np.array_equal(getattr(data, f"{part}_labels"), numbers % 7)
    assert data.class_names == tuple("0123456")


def test_one_hot_labels_are_classes(tmp_path: Path) -> None:
    classes = np.arange(200) % 7
    for kind in (np.float32, bool):
        np.savez(
            tmp_path / "mine.npz", images=numbered(200, 8, 3), labels=np.eye(7, dtype=kind)[classes]
        )
        data = load_images(tmp_path / "mine.npz")
        assert np.array_equal(data.train_labels, np.array(number_of(data.train, 8)) % 7)
    np.savez(tmp_path / "mine.npz", images=numbered(200, 8, 3), labels=np.ones((200, 2)))
    with pytest.raises(UserError, match="400 labels for 200 images"):
        load_images(tmp_path / "mine.npz")


@pytest.mark.parametrize("kind", ["c16", "m8[s]", "M8[s]", "U3", "S3", "?", "V4", "i4,f4"])
@pytest.mark.parametrize("shape", [(200,), (200, 1), (200, 2)])
def test_labels_and_images_of_other_types_are_refused(kind: str, shape: tuple[int, ...]) -> None:
    images = numbered(200, 8)
    with pytest.raises(UserError, match=r"other things than class numbers|400 labels for 200"):
        from_arrays(images, np.zeros(shape, kind))
    with pytest.raises(UserError, match="give uint8, or floats"):
        from_arrays(np.zeros(images.shape, kind))


@pytest.mark.parametrize("validation", [False, True])
def test_the_parts_of_a_file_stay(tmp_path: Path, validation: bool) -> None:
    arrays = {"x_train": numbered(100, 8), "x_test": numbered(30, 8, first=100)}
    if validation:
        arrays["x_validation"] = numbered(20, 8, first=130)
    np.savez(tmp_path / "mine.npz", **arrays)
    data = load_images(tmp_path / "mine.npz")
    shown = [number_of(getattr(data, part), 8) for part in PARTS]
    assert shown[2] == list(range(100, 130))
    if validation:
        assert shown[:2] == [list(range(100)), list(range(130, 150))]
    else:
        assert len(shown[1]) == 10
        assert sorted(shown[0] + shown[1]) == list(range(100))


def test_floats_are_rounded_to_bytes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(size=(60, 8, 8, 1)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x_train=values, x_validation=values, x_test=values)
    data = load_images(tmp_path / "mine.npz")
    assert np.abs(pixels(data.train) - values).max() <= 0.5 / 255 + 1e-6


def test_oblong_arrays_are_cropped_and_resized(tmp_path: Path) -> None:
    images = np.zeros((60, 8, 24), dtype=np.uint8)
    images[:, :, 8:16] = 200
    np.save(tmp_path / "mine.npy", images)
    with pytest.raises(UserError, match="24 x 8: give --side 64"):
        load_images(tmp_path / "mine.npy")
    assert (load_images(tmp_path / "mine.npy", side=16).train == 200).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((60, 8, 8, 4), np.uint8)}, "1 or 3 channels"),
        ({"images": np.zeros((60, 64), np.uint8)}, r"shape \[60, 64\]"),
        ({"images": np.full((60, 8, 8), 2.0)}, "from 2 to 2"),
        ({"images": np.full((60, 8, 8), np.nan)}, "nan"),
        ({"images": np.full((60, 8, 8), 300)}, "300"),
        ({"images": np.zeros((49, 8, 8), np.uint8)}, "49 images"),
        ({"images": np.zeros((60, 10, 10), np.uint8)}, "10 x 10, which 4 does not divide"),
        ({"images": numbered(60, 8), "labels": np.zeros(59, int)}, "59 labels for 60"),
        ({"images": numbered(60, 8), "labels": np.full(60, 0.5)}, "class numbers"),
        ({"images": numbered(60, 8), "labels": np.full(60, "cat")}, "class numbers"),
        ({"a": numbered(60, 8), "b": numbered(60, 8)}, "holds a, b"),
        ({"x_train": numbered(60, 8), "x_test": numbered(60, 12)}, "different shapes"),
        ({"x_train": numbered(60, 8), "x_test": numbered(0, 8)}, r"60 \+ 0"),
        (
            {"x_train": numbered(60, 8), "x_test": numbered(9, 8), "y_test": np.zeros(9)},
            "all or none",
        ),
    ],
)
def test_arrays_that_cannot_be_used(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(UserError, match=message):
        load_images(tmp_path / "mine.npz")


# ---- the real data


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_counts_and_balance_of_the_real_sets(data_dir: Path, name: str) -> None:
    data = load_images(name, data_dir=data_dir)
    train = 40_000 if name == "cifar10" else 50_000
    assert [len(getattr(data, part)) for part in PARTS] == [train, 10_000, 10_000]
    assert (data.side, data.channels) == (32, 3 if name == "cifar10" else 1)
    assert data.train_labels is not None
    assert data.validation_labels is not None
    assert data.test_labels is not None
    training = np.bincount(data.train_labels) + np.bincount(data.validation_labels)
    if name == "mnist":  # counts published with the set
        assert training.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        tested = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert np.bincount(data.test_labels).tolist() == tested
        assert data.train[:100, 2:30, 2:30].any()
    else:
        assert (training == (train + 10_000) // 10).all()
        assert (np.bincount(data.test_labels) == 1000).all()
    assert ("lossy" in data.source) == ("jpeg" in data.source)
    # Not sorted by class: the first hundred images of each part show at least eight classes.
    for part in PARTS:
        assert len(np.unique(getattr(data, f"{part}_labels")[:100])) >= 8


@pytest.mark.data
def test_the_real_faces(data_dir: Path) -> None:
    data = load_images("lfwcrop", data_dir=data_dir)
    assert [len(getattr(data, part)) for part in PARTS] == [11_233, 1000, 1000]
    assert (data.side, data.channels, data.dropped, data.name) == (64, 3, (), "lfwcrop")
    assert "CelebA" not in data.source
    again = load_images("lfwcrop", data_dir=data_dir, seed=5, n=60)  # mapped, same division
    assert np.array_equal(again.test[:20], data.test[:20])
    assert 60 < pixels(data.train[:200]).mean() * 255 < 180


def test_parts_are_a_tuple_in_the_order_of_the_record() -> None:
    assert Parts._fields == PARTS
