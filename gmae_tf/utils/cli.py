"""Commands from dataclasses: flags, `--config` file and record of the run are one thing."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

from gmae_tf.errors import UserError
from gmae_tf.utils.files import FORBIDDEN, FULL
from gmae_tf.utils.interrupts import Interrupted, interruptible

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser
    from rich.console import Console

Config = TypeVar("Config")

USER_MISTAKE = 2
LONGEST = 1000
"""Characters of the parser's words that are turned into a sentence."""
MOST_SEEDS, LARGEST_SEED = 100_000, 2**32 - 1
CONTINUES = "stopped; the same command continues where this one stopped."
STARTS_ANEW = "stopped before the end; the same command starts anew."


def run_command(
    body: Callable[[Config], Any],
    config_class: type[Config],
    *,
    prog: str,
    description: str,
    argv: Sequence[str] | None = None,
    continues: bool | Callable[[Config], bool] = True,
) -> None:
    """Parse the command line into `config_class` and call `body` with it.

    Every field of the frozen dataclass is a flag (`batch_size` is `--batch-size`, and
    `--batch_size` works too), a key of the YAML file of `--config`, and takes its help from the
    string under the field.  Boolean fields are `--flag` and `--no-flag`.  Import heavy packages
    inside `body`, so that `--help` answers at once.

    Parameters
    ----------
    prog : how the command is called, such as "python -m bayesopt.run".
    description : one or two sentences at the top of `--help`.
    argv : the arguments; those of the process by default.
    continues : the same command goes on where an interrupted one stopped, always or with these
        options; else it starts anew.

    Raises
    ------
    SystemExit: status 2 after a mistake of the user, 130 after Ctrl-C and 143 after SIGTERM, each
        with one sentence on stderr; 1 when the reader of a pipe has gone.  On success the function
        returns.
    """
    stopped = STARTS_ANEW
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the shell has closed it
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good
    try:
        with interruptible(f"{prog}: {stopped}"):
            config = parse_config(config_class, prog=prog, description=description, argv=argv)
            if continues(config) if callable(continues) else continues:
                stopped = CONTINUES
            with interruptible(f"{prog}: {stopped}"):
                body(config)
            sys.stdout.flush()
    except UserError as error:
        _stop(prog, f"error: {error}", USER_MISTAKE)
    except Interrupted as signal:
        _stop(prog, stopped, signal.status)
    except BrokenPipeError:
        # Python flushes stdout once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in FULL | FORBIDDEN:
            raise
        where = error.filename or "a file"
        _stop(prog, f"error: {where} cannot be used: {error.strerror}.", USER_MISTAKE)


def parse_config(
    config_class: type[Config],
    *,
    prog: str,
    description: str = "",
    argv: Sequence[str] | None = None,
) -> Config:
    """The dataclass that flags and `--config` file describe; flags given later win.

    Raises
    ------
    UserError: an unknown option, or a value of the wrong kind.
    SystemExit: after `--help` and `--print_config`.
    """
    import argparse

    parser = _parser(config_class, prog, description)
    dashed = [_dashed(text) for text in (sys.argv[1:] if argv is None else argv)]
    arguments = _listed(dashed, config_class)
    _check_files(arguments)
    try:
        values = parser.parse_args(arguments).as_dict()
    except argparse.ArgumentError as error:
        raise UserError(_sentence(str(error), config_class, prog)) from error
    except UnicodeDecodeError as error:
        raise UserError("the file of --config is not text in UTF-8.") from error
    values.pop("config", None)
    for name, kind in get_type_hints(config_class).items():
        if kind is bool and values[name] is None:
            flag = name.replace("_", "-")
            raise UserError(f"--{flag} is empty: write true or false; see {prog} --help.")
    return config_class(**values)


def _check_files(arguments: Sequence[str]) -> None:
    """Refuse files of --config that are not plain YAML."""
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=False):
        path = value if flag == "--config" else flag.removeprefix("--config=")
        if path != flag and os.path.isfile(path):
            from gmae_tf.utils.option_files import read_options

            read_options(path)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from "7", "0,3,5", "0-9" or a mixture of these, each once, in the order written.

    Raises
    ------
    UserError: anything else.
    """
    seeds: list[int] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})\s*(?:-\s*([0-9]{1,10})\s*)?", part)
        if match is None:
            raise UserError(f'seeds "{text}" are not understood: write 7, or 0,3,5, or 0-9.')
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UserError(f'seeds "{part.strip()}" run backwards: write {last}-{first}.')
        if last > LARGEST_SEED or len(seeds) + last - first >= MOST_SEEDS:
            raise UserError(
                f'seeds "{part.strip()}" are too large or too many: give at most {MOST_SEEDS:,}, '
                f"none above {LARGEST_SEED}."
            )
        seeds.extend(range(first, last + 1))
    return tuple(dict.fromkeys(seeds))


def console() -> Console:
    """The terminal for tables and progress bars (rich); plain text when it is not a terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def _parser(config_class: type[Any], prog: str, description: str) -> ArgumentParser:
    from jsonargparse import ActionYesNo, ArgumentParser, DefaultHelpFormatter

    class Formatter(DefaultHelpFormatter):
        """Help that ends in `(int, default: 3)`, without the names of Python's types."""

        def _expand_help(self, action: Any) -> str:
            return _plain_help(super()._expand_help(action))

    parser = ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=Formatter,
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action="config", help="YAML file of options.")
    kinds, helps = get_type_hints(config_class), _attribute_helps(config_class)
    for field in fields(config_class):
        kind: dict[str, Any] = {"type": kinds[field.name]}
        if kinds[field.name] in (bool, bool | None):
            kind = {"action": ActionYesNo(yes_prefix="", no_prefix="no-")}
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, help=helps.get(field.name, ""), **kind, **_default(field))
    return parser


def _default(field: Field[Any]) -> dict[str, Any]:
    if field.default is not MISSING:
        return {"default": field.default}
    if field.default_factory is not MISSING:
        return {"default": field.default_factory()}
    return {"required": True}


def _attribute_helps(config_class: type[Any]) -> dict[str, str]:
    """The strings under the fields, each on one line."""
    from docstring_parser import parse_from_object

    helps = {}
    for part in reversed(config_class.__mro__[:-1]):
        for parameter in parse_from_object(part).params:
            helps[parameter.arg_name] = " ".join((parameter.description or "").split())
    return helps


def _plain_help(text: str) -> str:
    head, bracket, tail = text.rpartition(" (")
    if not bracket or not re.match(r"(required, )?type: ", tail):
        return text
    kind = re.search(r"type: (int|float)\b", tail)
    default = re.search(r"default: (.*)\)$", tail)
    notes = ["required"] if tail.startswith("required") else []
    notes += [kind[1]] if kind else []
    notes += [f"default: {default[1]}"] if default and default[1] != "null" else []
    return f"{head} ({', '.join(notes)})" if notes else head


def _dashed(argument: str) -> str:
    """`--batch_size=3` as `--batch-size=3`; values are left alone."""
    flag, equals, value = argument.partition("=")
    if not flag.startswith("--") or flag.startswith("--print_"):
        return argument
    return flag.replace("_", "-") + equals + value


def _listed(arguments: Sequence[str], config_class: type[Any]) -> list[str]:
    """The arguments with `--properties logp,qed` as `--properties=[logp,qed]`."""
    kinds = get_type_hints(config_class)
    lists = {f"--{n.replace('_', '-')}" for n, kind in kinds.items() if get_origin(kind) is tuple}
    listed: list[str] = []
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if listed and listed[-1] in lists and not argument.startswith("-"):
            flag, value = listed.pop(), argument
        elif not equals or flag not in lists:
            listed.append(argument)
            continue
        listed.append(f"{flag}={value if value.lstrip().startswith('[') else f'[{value}]'}")
    return listed


def _sentence(message: str, config_class: type[Any], prog: str) -> str:
    """An error of the parser as one sentence that names the flag and the way out."""
    names = [field.name for field in fields(config_class)]
    message = " ".join(message.split())
    if len(message) > LONGEST:  # it quotes the value
        message = f"{message[:LONGEST]} ..."
    unknown = re.search(r"unrecognized arguments: (\S+)|Option '(\S+)' is not accepted", message)
    if unknown:
        option = unknown[1] or unknown[2]
        if unknown[1] and not option.startswith("-"):
            return f'"{option}" has no --option before it; see {prog} --help.'
        near = difflib.get_close_matches(option.strip("-").replace("-", "_"), names, n=1)
        guess = f"did you mean --{near[0].replace('_', '-')}?" if near else f"see {prog} --help."
        return f"there is no option {option.split('=')[0]}; {guess}"
    missing = re.search(r"arguments are required: (.+)", message)
    if missing:
        return f"--{missing[1].replace('_', '-')} is required; see {prog} --help."
    value = re.search(r'Parser key "(\w+)": (.+)', message)
    if value:
        message = f"--{value[1].replace('_', '-')}: {value[2]}"
    return f"{_readable(message)}; see {prog} --help."


def _readable(message: str) -> str:
    message = re.sub(r"<class '([\w.]+)'>", r"\1", message).replace("typing.", "")
    union = re.search(
        r"(.*)Does not validate against .*?: \[(.*?)(?:, NoneType)?\] .*value: (.*)", message
    )
    if union:
        message = f"{union[1]}expected {union[2]}, got {union[3]}"
    message = re.sub(r"Literal\[(.+?)\]", r"one of \1", message)
    message = message.replace("Expected a one", "expected one").replace("Expected a", "expected")
    return message.replace(". Got value:", ", got").rstrip(".")


def _stop(prog: str, sentence: str, status: int) -> None:
    sys.stdout.flush()
    print(f"{prog}: {sentence}", file=sys.stderr)
    raise SystemExit(status) from None
