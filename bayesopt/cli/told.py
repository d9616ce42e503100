"""Tell a campaign what was measured, and say how it stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesopt.cli.campaign import KNOWN, Campaign, opened
from bayesopt.cli.options import AskConfig, StatusConfig, TellConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.bundle import readable
from gmae_tf.utils.cli import console
from gmae_tf.utils.locks import lock_run

if TYPE_CHECKING:
    import pandas as pd

    from bayesopt.cli.batch_csv import Told
    from bayesopt.storage import Trial

SHOWN = 5
"""The best molecules that are listed."""


def tell(config: TellConfig) -> None:
    """Read measured values, of a batch or of other molecules."""
    from bayesopt.cli.batch_csv import read_told

    lock_run(config.out)
    with opened(config.out) as campaign:
        trials = campaign.journal.trials()
        asked = {trial.string for trial in trials}
        told = read_told(config.measured, trials, campaign.value, _reader(campaign.config, asked))
        new = _store(campaign, config, told, {t.string: t for t in trials})
        screen, table = console(), campaign.journal.table()
        if limits := sum(row.limit for row in told):
            screen.print(f"limits such as >10, each of which counts as the limit itself: {limits}")
        rows = table[table.string.isin(new)]
        errors = rows.deviation.dropna()
        if len(errors):
            rmse = (errors**2).mean() ** 0.5
            screen.print(f"the predictions for them were off by {rmse:.3g} (RMSE)")
        _print_best(campaign, table, 1)
        page = write_files(campaign)
    screen.print(f"report: {page}")
    screen.print(f"next: python -m bayesopt.run ask --out {config.out}", markup=False)


def _reader(config: AskConfig, asked: Collection[str | None]) -> Callable[[str], str | None]:
    """SMILES -> the molecule of the campaign: as it is if known, else in the form of the data."""
    from molecules.codec import canonical_or_none
    from molecules.data.cleaning import Policy, clean_smiles
    from molecules.data.sources import FORMS

    policy = Policy(**{name: getattr(config, name) for name in FORMS})

    def read(text: str) -> str | None:
        plain = canonical_or_none(text)
        if plain is None or plain in asked:
            return plain
        cleaned = clean_smiles(plain, policy)
        if cleaned.reason:
            raise ValueError(f"{text}: {cleaned.reason}")
        for change in cleaned.changes:
            line = f"{text} is told as {cleaned.key} ({change})"
            console().print(line, markup=False, soft_wrap=True)
        return cleaned.key

    return read


def _store(
    campaign: Campaign,
    config: TellConfig,
    told: Sequence[Told],
    trials: dict[str | None, Trial],
) -> list[str]:
    """Store values and failures; returns the strings that have a new value."""
    from bayesopt.dataset import turned

    new, failed, replaced, unasked, rows = [], 0, 0, 0, []
    for row in told:
        trial = trials.get(row.string)
        before = None if trial is None else turned(trial.score, campaign.config.maximize)
        if not row.failed and row.value is None:
            continue  # nothing is said of it
        if before is not None and (row.failed or row.value != before):
            now = "failed" if row.failed else f"{row.value:g}"
            if not config.replace:
                raise UserError(
                    f"{config.measured}, line {row.line}: {row.string} was told as {before:g} and "
                    f"is now {now}: add --replace if that is right."
                )
            console().print(f"replaced: {before:g} by {now}, {row.string}", markup=False)
            replaced += 1
        elif row.failed:
            failed += trial is None or not trial.failed
        elif before is None:
            new.append(row.string)
            unasked += trial is None
        rows.append(row)
    if not (new or failed or replaced):
        raise UserError(
            f"{config.measured} has nothing new: fill in {campaign.value}, or write failed where a "
            "molecule could not be made or measured; an empty cell goes on waiting."
        )
    nan = float("nan")
    try:
        campaign.journal.tell(
            [row.string for row in rows],
            [nan if row.value is None else row.value for row in rows],
            [nan if row.noise is None else row.noise for row in rows],
            replace=config.replace,
        )
    except UserError as error:
        raise UserError(f"{config.measured}: {error}") from error
    counts = {"replaced": replaced, "failed": failed, "not asked for": unasked}
    more = "".join(f", {what}: {n}" for what, n in counts.items() if n)
    waiting = len(campaign.journal.pending())
    console().print(f"values stored: {len(new)}{more}, still waited for: {waiting}")
    return new


def status(config: StatusConfig) -> None:
    """Print what is out, what was told, how good the predictions were, and the best of all."""
    with opened(config.out) as campaign:
        from bayesopt.report.campaign import round_table

        screen, table, known = console(), campaign.journal.table(), known_before(campaign)
        way = "maximised" if campaign.config.maximize else "minimised"
        screen.print(
            f"{campaign.value} is {way}: {known.get('measured', 0)} molecules measured before, "
            f"{(table.status == 'told').sum()} told since"
        )
        round_table(table, campaign.config.maximize).print(screen)
        waiting = table[table.status == "waiting"]
        if len(waiting):
            screen.print(f"\nwaiting for {len(waiting)} values (id, batch, molecule):")
            for row in waiting.itertuples():
                line = f"{row.id:>4}  {row.batch + 1:>3}  {row.string}"
                screen.print(line, markup=False, soft_wrap=True)
        screen.print("")
        _print_best(campaign, table, SHOWN)


def known_before(campaign: Campaign) -> dict[str, Any]:
    """What `ask` wrote of the data that the campaign starts from."""
    path = campaign.config.out / KNOWN
    if not path.exists():
        return {}
    with readable(f"{path} is damaged: remove it; the next ask writes it anew from the data."):
        found: dict[str, Any] = json.loads(path.read_bytes())
        best = [{"value": float(b["value"]), "string": str(b["string"])} for b in found["best"]]
        return {"measured": int(found["measured"]), "best": best}


def _print_best(campaign: Campaign, table: pd.DataFrame, n: int) -> None:
    """The n best of all that was measured, before the campaign and in it."""
    known = known_before(campaign).get("best", [])
    rows = [(row["value"], row["string"], "in the data") for row in known]
    for row in table[table.status == "told"].itertuples():
        where = "told" if row.batch < 0 else f"batch {row.batch + 1}"
        rows.append((row.value, row.string, where))
    best = {string: (value, where) for value, string, where in rows}  # what is told wins
    ranked = sorted(best.items(), key=lambda item: item[1][0], reverse=campaign.config.maximize)
    for string, (value, where) in ranked[:n]:
        line = f"best so far: {value:g}  {string}  ({where})"
        console().print(line, markup=False, soft_wrap=True)


def write_files(campaign: Campaign) -> Path:
    """Write the page of the rounds and all results; returns the path of the page."""
    from bayesopt.report.campaign import campaign_page
    from bayesopt.report.files import NAME, ranked, write_table
    from molecules.chem.output import write_table as write_sdf

    config, table = campaign.config, campaign.journal.table()
    results = ranked(table, config.maximize).rename(columns={"string": "smiles"})
    write_table(results, config.out / NAME)
    write_sdf(results, config.out / "results.sdf")
    page = config.out / "report.html"
    campaign_page(table, campaign.value, maximize=config.maximize, folder=config.out).write(page)
    return page
