"""CIFAR-10's batches without unpickling: nothing in the file is imported or called.

The files are Python 2 pickles of protocol 2 with one dictionary of numbers, byte strings, lists
and one array.  `pickletools` splits them into instructions, and `read_batch` follows the few that
build such values; an array is taken apart by its shape, type and bytes.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARRAY = "numpy.core.multiarray _reconstruct"
DTYPE = "numpy dtype"
ALLOWED = (ARRAY, "numpy ndarray", DTYPE)
_MARK = object()


@dataclass(frozen=True)
class _Name:
    """An allowed global; only its name, never the object."""

    name: str


@dataclass
class _Made:
    """What a call would have given: who was to be called, with what, and its later state."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


def read_batch(content: bytes) -> dict[bytes, Any]:
    """The dictionary of a batch; its array under b"data" is uint8.

    Raises
    ------
    ValueError: the bytes hold anything that the published files do not.
    """
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(content):
        machine.step(opcode.name, argument)
    result = machine.stack.pop() if machine.stack else None
    if not isinstance(result, dict):
        raise ValueError("no dictionary")
    return {
        key: _array(value) if isinstance(value, _Made) else value for key, value in result.items()
    }


class _Machine:
    """A stack and a memo, as pickle has them, for values without code."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        stack = self.stack
        if name in ("BININT", "BININT1", "BININT2"):
            stack.append(argument)
        elif name in ("BINSTRING", "SHORT_BINSTRING"):
            stack.append(argument.encode("latin-1"))
        elif name in ("NONE", "NEWFALSE", "NEWTRUE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE"):
            stack.append(
                {"EMPTY_LIST": [], "EMPTY_DICT": {}, "EMPTY_TUPLE": (), "NONE": None}.get(
                    name, name == "NEWTRUE"
                )
            )
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "GLOBAL":
            stack.append(_global(argument))
        elif name not in ("PROTO", "STOP"):
            self._combine(name)

    def _combine(self, name: str) -> None:
        stack = self.stack
        if name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self._pop(int(name[-1]))))
        elif name == "TUPLE":
            stack.append(tuple(self._pop_to_mark()))
        elif name in ("APPEND", "APPENDS"):
            items = self._pop(1) if name == "APPEND" else self._pop_to_mark()
            _of(stack[-1], list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._pop(2) if name == "SETITEM" else self._pop_to_mark()
            _of(stack[-1], dict).update(zip(items[::2], items[1::2], strict=True))
        elif name == "REDUCE":
            called, arguments = self._pop(2)
            stack.append(_Made(_of(called, _Name).name, _of(arguments, tuple)))
        elif name == "BUILD":
            [state] = self._pop(1)
            _of(stack[-1], _Made).state = state
        else:
            raise ValueError(f"the instruction {name}")

    def _pop(self, n: int) -> list[Any]:
        items = self.stack[-n:]
        if len(items) < n:
            raise ValueError("an empty stack")
        del self.stack[-n:]
        return items

    def _pop_to_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return items
        raise ValueError("no mark")


def _global(name: str) -> _Name:
    if name not in ALLOWED:
        raise ValueError(f"the name {name}")
    return _Name(name)


def _of(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _array(made: _Made) -> NDArray[np.uint8]:
    """The array whose state is (version, shape, dtype, Fortran order, bytes)."""
    state = _of(made.state, tuple)
    if made.name != ARRAY or len(state) != 5 or state[3] is not False:
        raise ValueError("an array of another layout")
    _, shape, kind, _, content = state
    if _of(kind, _Made).name != DTYPE or kind.arguments[:1] != (b"u1",):
        raise ValueError("an array that is not uint8")
    return np.frombuffer(_of(content, bytes), dtype=np.uint8).reshape(shape)
