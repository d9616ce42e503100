"""Mutation operators of a fuzzer: valid inputs made wrong, by bytes, by values and by arrays."""

from __future__ import annotations

import gzip
import io
import json
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

Rng = np.random.Generator
LARGEST = 10_000_000
"""Bytes of the largest input."""
CANARY = "GMAE_FUZZ_CANARY"
"""Stands in the payloads for the path of a file that appears if one of them is executed."""
PAYLOADS = (
    f"__import__('os').system('touch {CANARY}')",
    f"().__class__.__base__.__subclasses__() or open('{CANARY}','w')",
    f'!!python/object/apply:os.system ["touch {CANARY}"]',
    f"cposix\nsystem\n(S'touch {CANARY}'\ntR.",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"=cmd|' /C touch {CANARY}'!A0",
    f"{{{{ cycler.__init__.__globals__.os.system('touch {CANARY}') }}}}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
)
"""Texts that would run a command in a reader that evaluates, unpickles or expands them."""
OBJECTS: tuple[Any, ...] = (
    {"module": "posix", "class_name": "system", "config": f"touch {CANARY}"},
    {
        "module": "builtins",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    },
    {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
        "registered_name": None,
    },
)
"""What a loader of Keras might call or unmarshal."""
TEXTS = (
    *PAYLOADS, "", " ", "\0", "\x1b[2J", "\ufeff", "\ud7ff", "é", "日本", "\u202e", "🧪",
    "a" * 70_000, "a: &a [x, x]\nb: *a",
    "nan", "inf", "-inf", "1e999", "-1", "0", "9" * 400, "1" * 5000, "1e308", "0x10", "1_0", "1,5",
    "true", "null", "None", "[]", "{}", '"', "'", ",", ";", "\t", "\n", "\r", "->", "|",
    "%ambiguous",
    "%s%n", "{0}", "~", "/dev/zero", "/dev/stdin", "/proc/self/mem", ".", "..", "*", "--help", "--",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 99_999, 10**9, 0.5, 1e308, 10**30, -(10**30), "", "x", "nan",
    [], {}, [[]],
    [None], {"a": 1}, "a" * 70_000, *PAYLOADS[:4], *OBJECTS,
)  # fmt: skip
NUMBERS = ("-1", "0", "1e999", "nan", "9" * 400, "99999999999", "1e-320", "0.5", "-0", "２", "")


def bytes_mutated(data: bytes, rng: Rng) -> bytes:
    """One to three operators on bytes; one time in ten the result is large."""
    for _ in range(rng.integers(1, 4)):
        data = _OPERATORS[rng.integers(len(_OPERATORS))](data, rng)
    if rng.random() < 0.1:
        data = _repeated(data, rng)
    return data[:LARGEST]


def text_mutated(text: str, rng: Rng) -> str:
    """As `bytes_mutated`, of a text that stays one."""
    return bytes_mutated(text.encode(), rng).decode(errors="replace")


def json_mutated(data: bytes, rng: Rng) -> bytes:
    """Values of a JSON document replaced by others of any kind."""
    return json.dumps(_values_changed(json.loads(data), rng)).encode()


def yaml_mutated(data: bytes, rng: Rng) -> bytes:
    """Values of a YAML document replaced by others of any kind."""
    return yaml.safe_dump(_values_changed(yaml.safe_load(data), rng)).encode()


def npz_mutated(data: bytes, rng: Rng) -> bytes:
    """Arrays of an .npz file in another shape, type or range, under other names, or gone."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for _ in range(rng.integers(1, 3)):
        name = str(rng.choice(list(arrays)))
        array = arrays.pop(name)
        changed = _array_changed(array, rng)
        if changed is not None:
            renamed = str(rng.choice(["../../canary", "", "x" * 300, "images"]))
            arrays[name if rng.random() < 0.8 else renamed] = changed
        if not arrays:
            break
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def npy_of_pickle() -> bytes:
    """A NumPy file of objects, whose pickle runs a command."""
    return _header((1,), "|O") + PAYLOADS[3].encode()


def sqlite_mutated(data: bytes, rng: Rng) -> bytes:
    """Values of a database of other kinds, rows gone, or its tables changed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite"
        path.write_bytes(data)
        connection = sqlite3.connect(path)
        tables = [
            r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        table = str(rng.choice(tables))
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = str(rng.choice(columns))
        value: Any = VALUES[rng.integers(len(VALUES))]
        value = value if isinstance(value, str | float | None) else str(value)
        if rng.random() < 0.3:
            value = rng.bytes(int(rng.integers(0, 40)))
        change = (
            f"UPDATE {table} SET {column} = ?",
            f"DELETE FROM {table} WHERE ? OR 1",
            f"ALTER TABLE {table} ADD COLUMN more DEFAULT ''",
            f"DROP TABLE {table}",
            f"UPDATE OR IGNORE {table} SET {column} = NULL WHERE ? OR 1",
        )[rng.choice(5, p=[0.7, 0.1, 0.05, 0.05, 0.1])]
        with suppress(sqlite3.Error):
            connection.execute(change, (value,) if "?" in change else ())
        connection.commit()
        connection.close()
        return path.read_bytes()


@cache
def bombs() -> tuple[bytes, ...]:
    """Small files that unpack, or would be built, to more than any memory holds."""
    letters = "abcdefghijkl"
    links = [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in pairwise(letters)]
    yaml_bomb = "a: &a [x]\n" + "\n".join(links)
    return (
        yaml_bomb.encode(),
        gzip.compress(bytes(300_000_000), 1, mtime=0),
        _header((10**12,)),
        _zip("x.npy", _header((3 * 10**8,)), 1_200_000_000),
        b"[" * 1_000_000,
        b"9" * 1_000_000,
    )


def _header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    """Of an .npy file."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def _zip(name: str, start: bytes, zeros: int) -> bytes:
    """An archive of one file of zeros."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as file,
    ):
        file.write(start)
        for _ in range(zeros // 1_000_000):
            file.write(bytes(1_000_000))
    return out.getvalue()


def _values_changed(document: Any, rng: Rng) -> Any:
    for _ in range(rng.integers(1, 3)):
        document = _value_changed(document, rng)
    return document


def _value_changed(value: Any, rng: Rng, depth: int = 0) -> Any:
    """A copy in which one value, on a random path, is another one, missing, or deeply nested."""
    if isinstance(value, dict) and value and (depth == 0 or rng.random() < 0.8):
        copy = dict(value)
        key = list(copy)[rng.integers(len(copy))]
        if rng.random() < 0.1:
            copy.pop(key)
        elif rng.random() < 0.1:
            copy[TEXTS[rng.integers(len(TEXTS))]] = copy[key]
        else:
            copy[key] = _value_changed(copy[key], rng, depth + 1)
        return copy
    if isinstance(value, list) and value and rng.random() < 0.8:
        copy_list = list(value)
        place = rng.integers(len(copy_list))
        copy_list[place] = _value_changed(copy_list[place], rng, depth + 1)
        return copy_list
    if rng.random() < 0.05:
        for _ in range(200):
            value = [value]
        return value
    return VALUES[rng.integers(len(VALUES))]


def _array_changed(array: Any, rng: Rng) -> Any:
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: array.reshape(-1),
        lambda: array[..., None],
        lambda: array[:0],
        lambda: array[: len(array) // 2] if array.ndim else array,
        lambda: np.zeros((3, 0, 7)),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, -np.inf, np.float32),
        lambda: np.full(array.shape, 1j),
        lambda: np.full(array.shape, b"x"),
        lambda: np.full(array.shape, "<script>"),
        lambda: np.full(array.shape, True),
        lambda: np.full(array.shape, 2**63, np.uint64),
        lambda: np.full(array.shape, 1, "datetime64[s]"),
        lambda: np.zeros(array.shape, [("a", "i4"), ("b", "f8")]),
        lambda: np.full(array.shape, -1, np.int8),
        lambda: np.float64(3.5),
        lambda: array * 300 if array.dtype.kind in "iuf" else array,
    )
    return kinds[rng.integers(len(kinds))]()


def _flip(data: bytes, rng: Rng) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    if len(array):
        for place in rng.integers(len(array), size=rng.integers(1, 21)):
            array[place] ^= 1 << rng.integers(8)
    return array.tobytes()


def _span(data: bytes, rng: Rng) -> tuple[int, int]:
    start = int(rng.integers(len(data) + 1))
    return start, min(len(data), start + int(rng.geometric(0.02)))


def _truncate(data: bytes, rng: Rng) -> bytes:
    return data[: rng.integers(len(data) + 1)]


def _cut(data: bytes, rng: Rng) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _insert_bytes(data: bytes, rng: Rng) -> bytes:
    start, _ = _span(data, rng)
    return data[:start] + rng.bytes(int(rng.integers(1, 30))) + data[start:]


def _insert_text(data: bytes, rng: Rng) -> bytes:
    start, _ = _span(data, rng)
    return data[:start] + TEXTS[rng.integers(len(TEXTS))].encode() + data[start:]


def _replace_text(data: bytes, rng: Rng) -> bytes:
    """A word, number or name replaced by an awkward text."""
    words = list(re.finditer(rb"[\w.]+", data[:100_000]))
    if not words:
        return _insert_text(data, rng)
    word = words[rng.integers(len(words))]
    return data[: word.start()] + TEXTS[rng.integers(len(TEXTS))].encode() + data[word.end() :]


def _replace_number(data: bytes, rng: Rng) -> bytes:
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data[:100_000]))
    if not found:
        return _flip(data, rng)
    number, other = found[rng.integers(len(found))], NUMBERS[rng.integers(len(NUMBERS))]
    return data[: number.start()] + other.encode() + data[number.end() :]


def _swap(data: bytes, rng: Rng) -> bytes:
    a, b = sorted(rng.integers(len(data) + 1, size=2).tolist())
    return data[b:] + data[a:b] + data[:a]


def _double(data: bytes, rng: Rng) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] * int(rng.integers(1, 50)) + data[end:]


def _nest(data: bytes, rng: Rng) -> bytes:
    opening, closing = ((b"(", b")"), (b"[", b"]"), (b'{"a":', b"}"), (b"- ", b""), (b"-", b""))[
        rng.integers(5)
    ]
    depth = int(10 ** rng.uniform(1, 5))
    start, end = _span(data, rng)
    return data[:start] + opening * depth + data[start:end] + closing * depth + data[end:]


def _empty(data: bytes, rng: Rng) -> bytes:
    return b"" if rng.random() < 0.2 else data


def _repeated(data: bytes, rng: Rng) -> bytes:
    """The whole, or a part of it, again and again, to 10 kB to 10 MB."""
    start, end = _span(data, rng) if rng.random() < 0.5 else (0, len(data))
    part = data[start:end] or b"x"
    size = int(10 ** rng.uniform(4, 7))
    return data[:start] + part * (size // len(part) + 1) + data[end:]


_OPERATORS: tuple[Callable[[bytes, Rng], bytes], ...] = (
    _flip, _truncate, _cut, _insert_bytes, _insert_text, _insert_text, _replace_text, _replace_text,
    _replace_number, _replace_number, _swap, _double, _nest, _empty,
)  # fmt: skip
