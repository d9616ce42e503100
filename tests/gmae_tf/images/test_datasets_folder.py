"""Folders of images of the user's."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gmae_tf.images.datasets.folder
from gmae_tf.errors import UserError
from gmae_tf.images.datasets import ImageData, load_images

PARTS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "gmae"


def write(path: Path, shade: int, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = shade if mode in ("L", "P") else (shade,) * 3
    Image.new(mode, size, colour).save(path)


def fill(folder: Path, shades: range, ending: str = ".png", mode: str = "RGB") -> None:
    for shade in shades:
        write(folder / f"{shade:03d}{ending}", shade, mode=mode)


def shades(data: ImageData) -> list[list[int]]:
    return [getattr(data, part)[:, 4, 4, 0].tolist() for part in PARTS]


def test_a_flat_folder_is_drawn_apart_by_seed(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "b", range(100))
    fill(tmp_path, range(100, 120), ".BMP")
    data = load_images(tmp_path, seed=3)
    assert [len(part) for part in shades(data)] == [96, 12, 12]
    assert sorted(chain(*shades(data))) == list(range(120))
    assert shades(load_images(str(tmp_path), seed=3)) == shades(data)
    assert shades(load_images(tmp_path, seed=4))[2] != shades(data)[2]
    assert (data.side, data.channels, data.n_classes) == (16, 3, 0)
    assert data.name == tmp_path.name
    assert data.dropped == ()


def test_subfolders_are_classes_in_natural_order(tmp_path: Path) -> None:
    fill(tmp_path / "c10", range(30))
    fill(tmp_path / "c9" / "deeper", range(30, 60))
    data = load_images(tmp_path)
    assert data.class_names == ("c9", "c10")
    for part, numbers in zip(PARTS, shades(data), strict=True):
        labels = getattr(data, f"{part}_labels")
        assert labels.tolist() == [0 if shade >= 30 else 1 for shade in numbers]
        assert len(set(labels.tolist())) == 2  # mixed, though the files are sorted
    (tmp_path / "c9" / "deeper" / "030.png").rename(tmp_path / "loose.png")
    assert load_images(tmp_path).class_names is None


def test_one_subfolder_is_no_class(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", range(60))
    assert load_images(tmp_path).n_classes == 0


@pytest.mark.parametrize("middle", ["validation", "val", None])
def test_folders_called_after_parts(tmp_path: Path, middle: str | None) -> None:
    for name, shade in (("train", 0), (middle, 80), ("test", 100)):
        if name is not None:
            fill(tmp_path / name / "cat", range(shade, shade + 10))
            fill(tmp_path / name / "dog", range(shade + 10, shade + 20))
    fill(tmp_path / "train" / "dog", range(20, 80))
    fill(tmp_path / "other", range(200, 201))
    data = load_images(tmp_path)
    train, validation, test = shades(data)
    assert sorted(test) == list(range(100, 120))
    assert sorted(train + validation) == list(range(80 if middle is None else 100))
    if middle is not None:
        assert sorted(validation) == list(range(80, 100))
    assert data.class_names == ("cat", "dog")
    assert data.dropped == ("other/200.png lies outside of the folders train, validation and test",)


def test_train_among_other_classes_is_a_class(tmp_path: Path) -> None:
    for i, name in enumerate(("car", "plane", "train")):
        fill(tmp_path / name, range(30 * i, 30 * i + 30))
    data = load_images(tmp_path)
    assert data.class_names == ("car", "plane", "train")
    assert len(data.train) == 72


def test_side_crops_the_centre_and_resizes(tmp_path: Path) -> None:
    for i in range(60):
        image = np.zeros((20, 60, 3), dtype=np.uint8)
        image[:, 20:40] = 100 + i
        Image.fromarray(image).save(tmp_path / f"{i}.webp", lossless=True)
    write(tmp_path / "tall.png", 90, (12, 50))
    data = load_images(tmp_path, side=24)
    assert data.train.shape[1:] == (24, 24, 3)
    flat = np.concatenate([data.train, data.validation, data.test]).reshape(61, -1)
    assert (flat == flat[:, :1]).all()
    assert sorted(flat[:, 0].tolist()) == [90, *range(100, 160)]


def test_different_sizes_name_two_files(tmp_path: Path) -> None:
    fill(tmp_path, range(60))
    write(tmp_path / "wide.png", 9, (20, 16))
    with pytest.raises(UserError, match=r"000\.png is 16 x 16, wide\.png is 20 x 16.*--side 64"):
        load_images(tmp_path)


@pytest.mark.parametrize("size", [(18, 18), (16, 20), (4, 4)])
def test_one_size_that_does_not_work(tmp_path: Path, size: tuple[int, int]) -> None:
    for i in range(60):
        write(tmp_path / f"{i}.png", i, size)
    with pytest.raises(UserError, match=rf"{size[0]} x {size[1]}.*--side 64"):
        load_images(tmp_path)


def test_grey_images_keep_one_channel(tmp_path: Path) -> None:
    fill(tmp_path, range(60), mode="L")
    fill(tmp_path, range(60, 70), ".gif", mode="L")
    data = load_images(tmp_path)
    assert data.channels == 1
    assert sorted(chain(*shades(data))) == list(range(70))
    assert load_images(tmp_path, channels=3).channels == 3


def test_grey_beside_rgb(tmp_path: Path) -> None:
    fill(tmp_path / "x", range(60))
    fill(tmp_path / "y", range(60, 63), mode="L")
    with pytest.raises(UserError, match=r"y/060\.png.*x/000\.png.*--channels 1"):
        load_images(tmp_path)
    for channels in (1, 3):
        data = load_images(tmp_path, channels=channels)
        assert data.channels == channels
        assert sorted(chain(*shades(data))) == list(range(63))


def test_deep_transparent_turned_and_moving_images(tmp_path: Path) -> None:
    fill(tmp_path / "a", range(60))
    deep = np.full((16, 16), 257 * 200, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    frames = [Image.new("P", (16, 16), i) for i in (0, 1)]
    for frame in frames:
        frame.putpalette([250, 0, 0, 0, 250, 0])
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    half = np.zeros((16, 16, 3), dtype=np.uint8)
    half[:8] = 240  # upper half; turned by 90 degrees clockwise it is the right one
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(half).save(tmp_path / "turned.png", exif=exif)
    data = load_images(tmp_path, channels=3)
    images = np.concatenate([data.train, data.validation, data.test])
    assert len(images) == 64
    assert (images == 200).all(axis=(1, 2, 3)).sum() == 1
    assert (images == 255).all(axis=(1, 2, 3)).sum() == 1
    assert (images == [250, 0, 0]).all(axis=(1, 2, 3)).sum() == 1
    assert (images == half.transpose(1, 0, 2)[:, ::-1]).all(axis=(1, 2, 3)).sum() == 1


def test_corrupt_files_and_copies_are_dropped_and_told(tmp_path: Path) -> None:
    fill(tmp_path, range(60))
    whole = (tmp_path / "059.png").read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    content = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no image at all")
    (tmp_path / "copy.png").write_bytes(whole)
    (tmp_path / ".hidden.png").write_text("not looked at")
    (tmp_path / ".folder").mkdir()
    (tmp_path / ".folder" / "a.png").write_text("not looked at")
    (tmp_path / "notes.txt").write_text("not looked at")
    data = load_images(tmp_path)
    assert sorted(chain(*shades(data))) == list(range(60))
    told = {line.split()[0]: line for line in data.dropped}
    assert told.keys() == {"cut.png", "empty.jpg", "text.png", "copy.png"}
    assert "cannot be decoded" in told["cut.png"]
    assert "is not an image" in told["empty.jpg"]
    assert told["copy.png"] == "copy.png is a copy of 059.png"


def test_copies_do_not_cross_parts(tmp_path: Path) -> None:
    fill(tmp_path / "train", range(80))
    fill(tmp_path / "test", range(70, 100))
    data = load_images(tmp_path)
    train, validation, test = map(set, shades(data))
    assert test == set(range(70, 100))
    assert train | validation == set(range(70))
    assert not train & validation
    assert len(data.dropped) == 10


def test_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no images"):
        load_images(tmp_path)
    fill(tmp_path, range(49))
    with pytest.raises(UserError, match="49 usable images: at least 50"):
        load_images(tmp_path)
    for i in range(49):
        (tmp_path / f"bad{i}.png").write_text("bad")
    with pytest.raises(UserError, match=r"49 usable images \(49 were dropped"):
        load_images(tmp_path)
    (tmp_path / "bad99.png").write_text("bad")
    with pytest.raises(UserError, match=r"50 of the 99 images .* could not be read.*bad0\.png"):
        load_images(tmp_path)


def test_fifty_images_are_enough(tmp_path: Path) -> None:
    fill(tmp_path, range(50))
    assert [len(part) for part in shades(load_images(tmp_path))] == [40, 5, 5]


def test_large_folders_are_kept_in_the_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gmae_tf.images.datasets.folder, "CACHED_FROM", 60)
    fill(tmp_path, range(60))
    (tmp_path / "zz.png").write_bytes((tmp_path / "000.png").read_bytes()[:60])
    first = load_images(tmp_path)
    assert [path.suffix for path in sorted(cache.iterdir())] == [".json", ".npy"]
    again = load_images(tmp_path)
    assert (shades(again), again.dropped) == (shades(first), first.dropped)
    write(tmp_path / "030.png", 222)
    changed = load_images(tmp_path)
    assert 222 in list(chain(*shades(changed)))
    assert len(list(cache.glob("*.npy"))) == 2


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gmae_tf.images.datasets.folder, "CACHED_FROM", 60)
    fill(tmp_path / "images", range(60))
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert sorted(chain(*shades(load_images(tmp_path / "images")))) == list(range(60))


def test_images_too_many_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, range(60))
    monkeypatch.setattr(gmae_tf.images.datasets.folder, "MAX_BYTES", 60 * 16 * 16 * 3 - 1)
    with pytest.raises(UserError, match="smaller --side"):
        load_images(tmp_path)
