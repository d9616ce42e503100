"""Strings of a context-free grammar as sequences of its rules, and as codes of an autoencoder.

Public names are imported on first use, so that `import grammar` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gmae_tf.utils.interrupts import quiet_start

if TYPE_CHECKING:
    from grammar.autoencoder.model import GrammarAutoencoder
    from grammar.autoencoder.space import evaluate_space
    from grammar.cfg.grammar import Grammar
    from grammar.codec import RuleCodec
    from grammar.errors import GrammarError
    from grammar.library import load_grammar
    from grammar.parsing.parser import Parser

_HOME = {
    "Grammar": "grammar.cfg.grammar",
    "GrammarAutoencoder": "grammar.autoencoder.model",
    "GrammarError": "grammar.errors",
    "Parser": "grammar.parsing.parser",
    "RuleCodec": "grammar.codec",
    "evaluate_space": "grammar.autoencoder.space",
    "load_grammar": "grammar.library",
}

__all__ = [
    "Grammar",
    "GrammarAutoencoder",
    "GrammarError",
    "Parser",
    "RuleCodec",
    "evaluate_space",
    "load_grammar",
]

quiet_start()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grammar' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
