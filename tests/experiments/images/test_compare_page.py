"""The page of a comparison shows names of data sets as words."""

from experiments.images.compare_page import TEMPLATES
from gmae_tf.utils.html import page_environment


def test_every_template_escapes(tmp_path):
    environment = page_environment(TEMPLATES)
    for name in environment.list_templates(extensions=["j2", "html"]):
        source = environment.loader.get_source(environment, name)[0]
        assert "|safe" not in source.replace(" ", "")
        assert "autoescapefalse" not in source.replace(" ", "")
    assert environment.from_string("{{ x }}").render(x="<script>") == "&lt;script&gt;"
