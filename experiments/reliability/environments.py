"""Commands in strange environments: locale, time zone, folders, streams, interpreter, network."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmae_tf.utils.cli import console, run_command
from gmae_tf.utils.json import write_json
from gmae_tf.utils.run_dir import versions

ROOT = Path(__file__).resolve().parents[2]
POINTS = "x,y\n" + "".join(f"{i},{i * i + 1}\n" for i in range(9))
MOLECULES = "smiles,value\nCCO,1.5\nc1ccccc1O,2.5\nCC(=O)Nc1ccc(O)cc1,3.5\n"
STRINGS = "1/3+x+sin(x*x)\nx/1+3+(1*1)\n"
OTHERS = re.compile(
    r"oneDNN|absl|InitializeLog|cuda|AVX|tensorflow/|Warning|WARNING|resource_tracker|Traceback"
    r"|\[\d\d:\d\d:\d\d\]",
)
"""Lines of other packages on the error output."""
REFUSED = 2


@dataclass(frozen=True)
class Job:
    """A short command: its arguments, what it writes, and the status that is right.

    `{out}` is its output, `{data}` the folder of the inputs.
    """

    name: str
    arguments: tuple[str, ...]
    writes: str = ""
    status: int = 0


CODES = Job(
    "codes of strings",
    (
        "-m",
        "grammar.encode",
        "--data={data}/strings.txt",
        "--model",
        "expressions",
        "--out={out}/a.csv",
    ),
    "a.csv",
)
SAMPLE = Job(
    "molecules",
    ("-m", "molecules.sample", "--n", "2", "--no-picture", "--out={out}/s.csv"),
    "s.csv",
)
ENCODE = Job(
    "codes of molecules",
    ("-m", "molecules.encode", "--data={data}/mine.csv", "--out={out}/codes.csv"),
    "codes.csv",
)
WRONG = Job(
    "wrong column",
    ("-m", "bayesopt.run", "--task", "expr", "--target-csv={data}/points.csv", "--y-column", "zé",
     "--out={out}/fit"),
    status=REFUSED,
)  # fmt: skip
MISSING = Job("missing", ("-m", "gmae_tf.evaluate", "{data}/nothing"), status=REFUSED)
HELP = Job("help", ("-m", "bayesopt.run", "--help"))
LIST = Job("list", ("-m", "gmae_tf.train", "--list-models"))


@dataclass(frozen=True)
class Strange:
    """An environment: variables (None: unset), interpreter options, a prefix and a working place.

    before : prepares the folder of the case, which it is given; what it returns are more variables.
    job : what is run in it.
    data, out : names of the folders of inputs and output.
    line : a command line around the command, `{command}` in it.
    """

    name: str
    job: Job
    variables: Mapping[str, str | None] = field(default_factory=dict)
    python: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    line: str = ""
    data: str = "data"
    out: str = "out"
    umask: int = 0o022
    before: Callable[[Path], Mapping[str, str]] = lambda folder: {}
    status: tuple[int, ...] = ()


def _locked(*variables: str) -> Callable[[Path], Mapping[str, str]]:
    """A folder that takes no files (a file stands in its place), as these variables."""

    def before(folder: Path) -> Mapping[str, str]:
        (folder / "locked").write_text("")
        return dict.fromkeys(variables, str(folder / "locked"))

    return before


def _linked(folder: Path) -> Mapping[str, str]:
    """The folder of the inputs behind a link."""
    (folder / "real").mkdir()
    (folder / "data").symlink_to(folder / "real")
    return {}


PLAIN = dict.fromkeys(("LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING"))
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"),
                           "http://127.0.0.1:9")  # fmt: skip
ENVIRONMENTS: tuple[Strange, ...] = (
    Strange("as it is", SAMPLE),
    *(
        Strange(f"LC_ALL={name}", job, {**PLAIN, "LC_ALL": name})
        for name, job in (
            ("C", SAMPLE), ("POSIX", WRONG), ("C.UTF-8", CODES), ("tr_TR.UTF-8", WRONG),
            ("de_DE.UTF-8", CODES), ("xx_XX", LIST),
        )
    ),
    Strange("no LANG, output in ASCII", WRONG, {**PLAIN, "PYTHONIOENCODING": "ascii"}),
    Strange("no LANG, output in ASCII", ENCODE, {**PLAIN, "PYTHONIOENCODING": "ascii"}),
    Strange("no UTF-8 mode, locale C", CODES,
            {**PLAIN, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Strange("output in Latin-1", WRONG, {"PYTHONIOENCODING": "latin-1"}),
    *(Strange(f"TZ={zone}", CODES, {"TZ": zone}) for zone in ("Pacific/Kiritimati", "nonsense")),
    Strange("umask 077", ENCODE, umask=0o077),
    Strange("umask 777", MISSING, umask=0o777),
    Strange("HOME is a file", ENCODE, before=_locked("HOME")),
    Strange("no HOME", CODES, {"HOME": None}),
    Strange("HOME in a place that is not", SAMPLE, {"HOME": "/nonexistent/home"}),
    Strange("XDG folders are files", ENCODE, before=_locked("XDG_CACHE_HOME", "XDG_CONFIG_HOME")),
    Strange("MPLCONFIGDIR is a file", CODES, before=_locked("MPLCONFIGDIR")),
    Strange("KERAS_HOME is a file", CODES, before=_locked("KERAS_HOME")),
    Strange("TMPDIR is a file", ENCODE, before=_locked("TMPDIR", "TEMP", "TMP")),
    *(
        Strange(f"inputs in {name!r}", job, data=name)
        for name, job in (
            ("my data", ENCODE), ("数据 é", CODES), ("-data", WRONG), ("a'b\"c", CODES),
            ("[red]x[b]", WRONG), ("%s{0}$HOME", ENCODE),
        )
    ),
    *(
        Strange(f"output in {name!r}", job, out=name)
        for name, job in (("my results", ENCODE), ("é 数据", SAMPLE), ("a/b/c", CODES),
                          ("-out", CODES), ("$(touch x)", SAMPLE))
    ),
    Strange("inputs behind a link", CODES, before=_linked),
    Strange("a proxy that refuses", SAMPLE, NO_NETWORK),
    Strange("no network", ENCODE, prefix=("unshare", "-rn")),
    Strange("python -OO", SAMPLE, python=("-OO",)),
    Strange("python -OO", WRONG, python=("-OO",)),
    Strange("python -s", CODES, python=("-s",)),
    Strange("python -X dev", WRONG, python=("-X", "dev")),
    *(Strange(f"PYTHONHASHSEED={n}", SAMPLE, {"PYTHONHASHSEED": n}) for n in ("0", "7", "12345")),
    Strange("COLUMNS=20, TERM=dumb", HELP, {"COLUMNS": "20", "TERM": "dumb"}),
    Strange("no TERM, NO_COLOR", LIST, {"TERM": None, "NO_COLOR": "1"}),
    Strange("reader of the pipe has gone", HELP, line="{command} | head -n 1"),
    Strange("output closed", CODES, line="{command} >&-", status=(0, 1)),
    Strange("input closed", ENCODE, line="{command} <&-"),
    Strange("one thread", SAMPLE, {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}),
    Strange("OMP_NUM_THREADS=x", CODES, {"OMP_NUM_THREADS": "x"}),
)  # fmt: skip


@dataclass(frozen=True)
class EnvironmentConfig:
    """Options of the campaign."""

    only: str | None = None
    """Only environments whose name holds this text; their rows replace those of the file."""
    out: Path = Path("docs/results/reliability/environments.json")
    """File of the result."""


def campaign(config: EnvironmentConfig) -> None:
    """Run every command in its environment, print what is wrong, and write the table."""
    screen, rows = console(), list[dict[str, Any]]()
    outputs: dict[str, str] = {}
    for strange in ENVIRONMENTS:
        if config.only is not None and config.only not in strange.name:
            continue
        with tempfile.TemporaryDirectory(prefix="strange ") as folder:
            row, output = tried(strange, Path(folder))
        if output and not row["wrong"]:
            first = outputs.setdefault(strange.job.name, output)
            row["wrong"] = "" if same(first, output) else "another output than elsewhere"
        rows.append(row)
        wrong = row["wrong"] or "as it should"
        screen.print(f"{strange.name}: {strange.job.name}: {wrong}", markup=False)
    good = sum(not row["wrong"] for row in rows)
    screen.print(f"{good} of {len(rows)} as they should")
    kept = rows if config.only is None else _replaced(rows, config.out)
    result = {"runs": len(kept), "good": sum(not row["wrong"] for row in kept)}
    about = {"python": sys.version.split()[0], **versions()}
    write_json(config.out, {**result, "environments": kept, "versions": about})
    if good < len(rows):
        raise SystemExit(1)


def _replaced(rows: list[dict[str, Any]], out: Path) -> list[dict[str, Any]]:
    """The rows of a result file with these in the place of theirs."""
    if not out.exists():
        return rows
    new = {(row["environment"], row["command"]): row for row in rows}
    old = json.loads(out.read_text(encoding="utf-8"))["environments"]
    return [new.get((row["environment"], row["command"]), row) for row in old]


def tried(strange: Strange, folder: Path) -> tuple[dict[str, Any], str]:
    """A row on a run in a new folder, and what it wrote."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    variables |= strange.before(folder)
    variables.pop("TF_CPP_MIN_LOG_LEVEL", None)
    for name, value in strange.variables.items():
        variables.pop(name, None)
        if value is not None:
            variables[name] = value
    (folder / strange.data).mkdir(exist_ok=True)
    for name, text in (("points", POINTS), ("mine", MOLECULES)):
        (folder / strange.data / f"{name}.csv").write_text(text)
    (folder / strange.data / "strings.txt").write_text(STRINGS)
    places = {"{data}": strange.data, "{out}": strange.out}
    arguments = [*strange.prefix, sys.executable, *strange.python]
    for argument in strange.job.arguments:
        for mark, place in places.items():
            argument = argument.replace(mark, place)
        arguments.append(argument)
    shell = strange.line.replace("{command}", shlex.join(arguments))
    start = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", shell] if shell else arguments,
        cwd=folder, env=variables, umask=strange.umask, capture_output=True, timeout=300,
    )  # fmt: skip
    written = folder / strange.out / strange.job.writes
    output = written.read_text() if strange.job.writes and written.is_file() else ""
    row = {
        "environment": strange.name,
        "command": strange.job.name,
        "status": done.returncode,
        "seconds": round(time.monotonic() - start, 1),
        "wrong": fault(strange, done.returncode, done.stderr.decode(errors="replace"), output),
    }
    return row, output


def fault(strange: Strange, status: int, error: str, output: str) -> str:
    """What is wrong with a run; "" if nothing is."""
    if OTHERS.search(error):
        return f"lines of others on the error output: {error.strip()[-300:]}"
    if status not in (strange.status or (strange.job.status,)):
        return f"status {status}: {error.strip()[-300:]}"
    if strange.job.status == REFUSED and len(error.strip().splitlines()) != 1:
        return f"no sentence: {error[:300]}"
    if strange.job.writes and not strange.status and not output:
        return "no output"
    return ""


def same(one: str, other: str) -> bool:
    """Whether two tables are equal, numbers to a millionth of a part of the largest."""
    if one == other:
        return True
    cells = [re.split(r"[,\n]", text) for text in (one, other)]
    return len(cells[0]) == len(cells[1]) and all(map(_alike, *cells))


def _alike(a: str, b: str) -> bool:
    try:
        return abs(float(a) - float(b)) < 1e-5 * max(1.0, abs(float(a)))
    except ValueError:
        return a == b


def main() -> None:
    """The command."""
    run_command(
        campaign,
        EnvironmentConfig,
        prog="python -m experiments.reliability.environments",
        description="Run short commands in strange environments.",
        continues=False,
    )


if __name__ == "__main__":
    main()
