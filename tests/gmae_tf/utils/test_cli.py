from __future__ import annotations

import errno
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console, parse_config, parse_seeds, run_command

if TYPE_CHECKING:
    from conftest import RunCli

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
from dataclasses import dataclass
from gmae_tf.utils.cli import console, run_command

@dataclass(frozen=True)
class Config:
    n: int = 3
    "How many lines."

def body(config):
    for number in range(config.n):
        console().print(f"line {number}")

run_command(body, Config, prog="lines", description="Print lines.")
"""


@dataclass(frozen=True)
class Config:
    """Options of a search."""

    task: Literal["expr", "molecules"]
    """What to search."""
    batch_size: int = 50
    """Strings in a batch,
    all scored (100 %)."""
    exclude_better_than: float | None = None
    """Hide known strings that score less."""
    out: Path = Path("runs/x")
    """Folder of the run."""
    baselines: bool = True
    """Run the baselines."""
    xla: bool | None = None
    """Compile; where it helps by default."""
    properties: tuple[str, ...] = ("logp", "qed")
    """Columns."""


def parse(*argv: str) -> Config:
    return parse_config(Config, prog="search", argv=argv)


def stopped(
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    continues: bool | Callable[[Config], bool] = True,
) -> tuple[object, str]:
    """Status and stderr of a command whose body raises `error`."""

    def body(_: Config) -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        run_command(
            body,
            Config,
            prog="search",
            description="Search.",
            argv=["--task", "expr"],
            continues=continues,
        )
    return stop.value.code, capsys.readouterr().err


def test_fields_are_flags_with_dashes_or_underscores() -> None:
    expected = Config("expr", batch_size=7, exclude_better_than=0.04, baselines=False)
    argv = ["--task", "expr", "--exclude-better-than", "4e-2", "--no-baselines"]
    assert parse(*argv, "--batch-size", "7") == expected
    assert parse(*argv, "--batch_size=7") == expected


@pytest.mark.parametrize(("flags", "xla"), [((), None), (("--xla",), True), (("--no-xla",), False)])
def test_what_is_decided_by_default_can_be_said(flags: tuple[str, ...], xla: bool | None) -> None:
    assert parse("--task", "expr", *flags).xla is xla


def test_a_value_keeps_its_underscores() -> None:
    assert parse("--task=expr", "--out=my_runs/a_b").out == Path("my_runs/a_b")
    assert parse("--task=expr", "--out", "my_runs").out == Path("my_runs")


def test_a_config_file_sets_options_and_later_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: molecules\nbatch_size: 5\n")
    assert parse("--config", str(file)) == Config("molecules", batch_size=5)
    assert parse("--config", str(file), "--batch-size", "6").batch_size == 6


@pytest.mark.parametrize("written", ["sa,qed", "[sa, qed]", '["sa", "qed"]'])
def test_lists_need_no_brackets(tmp_path: Path, written: str) -> None:
    assert parse("--task", "expr", "--properties", written).properties == ("sa", "qed")
    assert parse("--task=expr", f"--properties={written}").properties == ("sa", "qed")
    file = tmp_path / "run.yaml"
    file.write_text(f"properties: {written if written[0] == '[' else f'[{written}]'}\n")
    assert parse("--task", "expr", "--config", str(file)).properties == ("sa", "qed")
    assert parse("--task", "expr", "--properties", "sa").properties == ("sa",)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "--task is required"),
        (["--task", "exp"], "--task: expected one of 'expr', 'molecules', got exp"),
        (["--task", "expr", "--batch-size", "x"], "--batch-size: expected int, got x"),
        (["--task", "expr", "--batch-size"], "--batch-size: expected one argument"),
        (["--task", "expr", "--bach-size", "3"], "--bach-size; did you mean --batch-size?"),
        (
            ["--task", "expr", "--exclude-better-than", "abc"],
            "--exclude-better-than: expected float, got abc",
        ),
        (["--task", "expr", "--zzz"], "there is no option --zzz; see search --help."),
        (["--task", "expr", "extra"], '"extra" has no --option before it'),
        (["--config", "absent.yaml"], "absent.yaml"),
    ],
)
def test_a_wrong_option_is_one_sentence(argv: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        parse(*argv)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert "class" not in str(error.value)


def test_an_unknown_key_of_a_config_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("task: expr\nbatchsize: 5\n")
    with pytest.raises(UserError, match="batchsize; did you mean --batch-size"):
        parse("--config", str(file))


def test_help_shows_the_strings_under_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse("--help")
    text = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    assert "Strings in a batch, all scored (100 %). (int, default: 50)" in text
    assert "What to search. (required)" in text
    assert "Hide known strings that score less. (float)" in text
    assert "Folder of the run. (default: runs/x)" in text


def test_the_body_gets_the_config() -> None:
    seen: list[Config] = []
    run_command(seen.append, Config, prog="p", description="d", argv=["--task", "expr"])
    assert seen == [Config("expr")]


def test_a_user_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert stopped(capsys, UserError("no such file: x.")) == (
        2,
        "search: error: no such file: x.\n",
    )


def test_a_full_disk_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "runs/a")
    status, text = stopped(capsys, error)
    assert status == 2
    assert text == "search: error: runs/a cannot be used: No space left on device.\n"


def test_ctrl_c_tells_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = stopped(capsys, KeyboardInterrupt())
    assert status == 130
    assert "the same command continues" in text
    assert text.count("\n") == 1
    status, text = stopped(capsys, KeyboardInterrupt(), continues=False)
    assert status == 130
    assert text == "search: stopped before the end; the same command starts anew.\n"
    for continues, words in ((True, "continues"), (False, "starts anew")):

        def with_these_options(config: Config, continues: bool = continues) -> bool:
            assert config == Config("expr")
            return continues

        status, text = stopped(capsys, KeyboardInterrupt(), continues=with_these_options)
        assert status == 130
        assert words in text
        assert text.count("\n") == 1


def test_a_command_that_is_stopped_while_it_reads_its_options_starts_anew(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gmae_tf.utils.cli.parse_config", stop)
    status, text = stopped(capsys, AssertionError())
    assert status == 130
    assert text == "search: stopped before the end; the same command starts anew.\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [("gmae_tf.evaluate --run x", "starts anew"), ("gmae_tf.train --out x", "continues where")],
)
def test_a_command_says_what_the_same_command_will_do(
    command: str, words: str, run_here: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gmae_tf.utils.locks.lock_run", stop)
    done = run_here("-m", *command.split())
    assert done.returncode == 130
    assert words in done.stderr


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError(errno.EIO, "I/O error")])
def test_a_defect_keeps_its_traceback(error: Exception) -> None:
    def body(_: Config) -> None:
        raise error

    with pytest.raises(type(error)):
        run_command(body, Config, prog="p", description="d", argv=["--task", "expr"])


def test_a_reader_that_leaves_early_causes_no_traceback() -> None:
    command = [sys.executable, "-c", SCRIPT, "--n", "20000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "line 0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_output_that_is_no_terminal_is_plain_text(run_cli: RunCli) -> None:
    done = run_cli("-c", SCRIPT, "--n", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "line 0\nline 1\n", "")


@pytest.mark.parametrize("module", ["bayesopt.run", "grammar.train"])
def test_help_of_every_command_answers_within_a_second(run_cli: RunCli, module: str) -> None:
    first = run_cli("-X", "importtime", "-m", module, "--help")  # compiles the modules
    assert not {"tensorflow", "keras", "jax", "gpflow", "rdkit"} & set(first.stderr.split())
    seconds = []
    for _ in range(3):  # of a processor: other processes may hold it up, and slow it down
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run_cli("-m", module, "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0
        assert "--config" in done.stdout
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        if seconds[-1] < 1.0:
            break
    assert min(seconds) < 1.0


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", (7,)), ("0-3", (0, 1, 2, 3)), ("0, 3,5", (0, 3, 5)), ("4-4,1-2,2", (4, 1, 2))],
)
def test_seeds_are_numbers_lists_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1..3", "1,,2", "3-1", "1.5"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="write"):
        parse_seeds(text)


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_written_seeds_are_read_back(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(dict.fromkeys(seeds))


@pytest.mark.parametrize("text", ["0-100000", "4294967296", "9" * 5000, "٣", "0-4294967295"])
def test_seeds_that_no_memory_or_generator_takes_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"too large|write 7"):
        parse_seeds(text)


@pytest.mark.parametrize("content", [b"task: \xff", b"a: &a [1]\nb: *a", b"[" * 50_000])
def test_a_config_file_that_is_no_yaml_of_options_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(UserError, match="is no YAML file of options"):
        parse_config(Config, prog="x", argv=["--config", str(tmp_path / "own.yaml")])


def test_a_long_value_is_refused_at_once(tmp_path: Path):
    start = time.monotonic()
    with pytest.raises(UserError, match="--batch-size: expected int, got xxx"):
        parse_config(Config, prog="x", argv=["--task", "expr", "--batch-size", "x" * 100_000])
    assert time.monotonic() - start < 5


def test_a_switch_without_a_value_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: expr\nbaselines:\n")
    with pytest.raises(UserError, match="--baselines is empty: write true or false"):
        parse_config(Config, prog="x", argv=["--config", str(tmp_path / "own.yaml")])


def test_a_command_whose_output_is_closed_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr("sys." + name, None)
    done = []
    run_command(
        lambda config: done.append(console().width),
        Config,
        prog="x",
        description="",
        argv=["--task", "expr"],
    )
    assert done
