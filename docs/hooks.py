"""Files outside docs/ as pages of the site, and links between the files of a checkout."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "data/README.md": "data.md", "CONTRIBUTING.md": "contributing.md"}
SOURCES = {page: source for source, page in PAGES.items()}
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/; the README is where the site starts."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Point the links of a checkout at pages; a link to what is no page becomes its text."""
    here = page.file.src_uri
    folder = dirname(SOURCES.get(here, f"docs/{here}"))

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match.groups(default="")
        path = normpath(join(folder, target))
        uri = PAGES.get(path, path.removeprefix("docs/"))
        file = files.get_file_from_path(uri)
        if file is not None and not file.inclusion.is_excluded():
            return f"[{text}]({relpath(uri, dirname(here) or '.')}{anchor})"
        return text if (ROOT / path).exists() else match[0]  # mkdocs complains of the latter

    return LINK.sub(link, markdown)
