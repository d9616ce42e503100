"""YAML files of options, which may be a stranger's: plain data, and no more than options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gmae_tf.errors import UserError
from gmae_tf.utils.text import read_bytes

LARGEST = 1_000_000
"""Bytes of a file."""


class _Plain(yaml.SafeLoader):
    """Without aliases, a few of which stand for more data than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            raise ValueError("it has an alias (*name): write the value itself")
        return super().compose_node(parent, index)  # type: ignore[no-untyped-call]


def read_options(path: str | Path) -> dict[str, Any]:
    """The options of a YAML file by name.

    Raises
    ------
    UserError: there is no such file, or it holds anything else.
    """
    content = read_bytes(path)
    try:
        if len(content) > LARGEST:
            raise ValueError(f"it has {len(content):,} bytes")
        options = yaml.load(content, _Plain)  # noqa: S506 - a SafeLoader
        if not isinstance(options, dict):
            raise ValueError(f"it holds {type(options).__name__}")
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UserError(
            f"{path} is no YAML file of options ({why}): write one option a line, such as "
            "batch_size: 50."
        ) from error
    return options
