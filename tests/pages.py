"""What a browser shows of a comment, by the parser that GitHub uses."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

OURS = {
    *("h3", "p", "strong", "em", "br", "a", "code", "pre", "sub", "blockquote", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}
"""The tags that our own layout is made of."""


class Page(HTMLParser):
    """What a browser sees of a comment: the tags, the links, the tables' rows, the text inside code and outside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str]] = set()
        self.links: list[str | None] = []
        self.rows: list[list[str]] = []
        self.plain = ""
        self.code = ""
        self.is_balanced = True
        self.feed(text)
        self.close()
        self.is_balanced = self.is_balanced and not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {(tag, name) for name, _ in attrs}
        if tag == "br":
            self.plain += "\n"
            return
        self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href"))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.is_balanced = self.is_balanced and tag == "br" and not attrs

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced = self.is_balanced and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if {"code", "pre"} & set(self.open):
            # Texts on both sides of it are two for whoever looks for references.
            self.code += data
            self.plain += "\0"
        else:
            self.plain += data

    def handle_comment(self, data: str) -> None:
        self.is_balanced = False

    def handle_decl(self, decl: str) -> None:
        self.is_balanced = False

    def handle_pi(self, data: str) -> None:
        self.is_balanced = False

    def unknown_decl(self, data: str) -> None:
        self.is_balanced = False


def shown(text: str) -> Page:
    """The text as GitHub's parser lays it out; our own tags are let through, so foreign ones would be, too."""
    return Page(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))
