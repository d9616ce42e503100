"""The page of a campaign shows a stranger's words as words."""

from pathlib import Path

import numpy as np
import pandas as pd

from bayesopt.report.campaign import campaign_page

NASTY = "<script>x</script> 日本 $x_1^{$"


def test_names_molecules_and_sources_are_escaped_on_the_page_and_in_its_figure(recwarn):
    table = pd.DataFrame(
        {
            "id": [1, 2],
            "batch": [0, 0],
            "string": [NASTY, "CCO"],
            "predicted_mean": [1.0, 2.0],
            "predicted_sd": [0.1, 0.2],
            "value": [1.0, 3.0],
            "noise": [np.nan, np.nan],
            "deviation": [0.0, 1.0],
            "source": [NASTY, "latent"],
            "status": ["told", "told"],
        }
    )
    page = campaign_page(table, NASTY, maximize=True, folder=Path(NASTY)).html()
    assert "<script" not in page
    assert page.count("&lt;script&gt;x&lt;/script&gt; 日本 $x_1^{$") >= 4
    assert "data:image/png" in page
    assert not recwarn.list
