"""Predict: what the surrogate of a campaign says of the molecules of a file."""

from __future__ import annotations

from bayesopt.cli.campaign import campaign_optimizer, opened
from bayesopt.cli.options import PredictConfig
from gmae_tf.errors import UserError
from gmae_tf.utils.cli import console


def predict(config: PredictConfig) -> None:
    """Fit the surrogate to all that was measured, and write its predictions of a file."""
    if config.to.suffix != ".csv":
        raise UserError(f"--to {config.to} must end in .csv.")
    if not config.molecules.is_file():
        raise UserError(f"{config.molecules} cannot be read: there is no such file.")
    with opened(config.out) as campaign:
        from gmae_tf.utils.devices import select_device

        select_device(campaign.config.device)
        from bayesopt.cli.setup import make_task
        from bayesopt.report.files import write_table
        from bayesopt.tasks.molecules import load_codec
        from molecules.data.library import load_known
        from molecules.data.sources import FORMS

        codec = load_codec(campaign.config.model)
        task = make_task(campaign.config, codec=codec)
        found = load_known(
            codec,
            str(config.molecules),
            smiles_column=config.smiles_column,
            **{name: getattr(campaign.config, name) for name in FORMS},
        )
        if found.report is not None:
            console().print(str(found.report), markup=False, soft_wrap=True)
        optimizer = campaign_optimizer(task, campaign.store)
        table = optimizer.predict(found.smiles).rename(columns={"string": "smiles"})
    write_table(table, config.to)
    console().print(f"{len(table)} predictions of {campaign.value}: {config.to}")
