"""The directive ``traits``: a table of a configurable class's settings, taken from the class itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class Traits(Directive):
    """``{traits} module.Class``: name, kind, default and help of each setting that the class itself defines."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module, _, name = self.arguments[0].rpartition(".")
        owner = getattr(import_module(module), name)
        settings = sorted((key, trait) for key, trait in owner.class_own_traits(config=True).items())
        return [_table([_row(key, trait) for key, trait in settings])]


def _row(name: str, trait: Any) -> tuple[nodes.Node, ...]:
    default = trait.default_value_repr()
    return (
        nodes.literal(text=name),
        nodes.Text(type(trait).__name__.lower()),
        nodes.Text("–") if default in ("''", "[]") else nodes.literal(text=default),
        nodes.Text(trait.help),
    )


def _table(rows: list[tuple[nodes.Node, ...]]) -> nodes.table:
    table = nodes.table()
    group = nodes.tgroup(cols=4)
    table += group
    for width in (18, 8, 14, 60):
        group += nodes.colspec(colwidth=width)
    header = ("setting", "kind", "default", "meaning")
    head, body = nodes.thead(), nodes.tbody()
    head += _entries([nodes.Text(word) for word in header])
    for row in rows:
        body += _entries(list(row))
    group += [head, body]
    return table


def _entries(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        paragraph = nodes.paragraph()
        paragraph += cell
        entry += paragraph
        row += entry
    return row


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("traits", Traits)
    return {"parallel_read_safe": True}
