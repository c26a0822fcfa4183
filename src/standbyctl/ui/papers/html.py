"""A paper as one HTML file: nothing is loaded from anywhere, and it prints on A4."""

from __future__ import annotations

from html import escape

from standbyctl.ui.i18n import language
from standbyctl.ui.papers.blocks import Block, Code, Heading, Items, Paper, Paragraph, Table

_STYLE = """
body { font: 14px/1.6 "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Meiryo", sans-serif; color: #1c2430;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; border-bottom: 2px solid #336791; padding-bottom: .3rem; }
h2 { font-size: 1.2rem; margin-top: 2rem; border-left: 6px solid #336791; padding-left: .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { border: 1px solid #b8c2cc; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; min-width: 2rem; }
th { background: #eef3f7; white-space: nowrap; }
td { white-space: pre-line; }
pre { background: #f5f6f8; border: 1px solid #d8dee4; padding: .5rem .7rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 12.5px/1.5 "Noto Sans Mono CJK JP", "DejaVu Sans Mono", monospace; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } h3, pre, tr { break-inside: avoid; } }
"""


def render_html(paper: Paper) -> str:
    """The whole of it."""
    title = next((block.text for block in paper if isinstance(block, Heading)), "")
    body = "\n".join(map(_block, paper))
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Items(texts):
            return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"
        case Code(text, written_in):
            return f'<pre><code class="{escape(written_in)}">{escape(text)}</code></pre>'
        case Table(columns, rows):
            head = "".join(f"<th>{escape(column)}</th>" for column in columns)
            lines = ("".join(f"<td>{_cell(cell)}</td>" for cell in row) for row in rows)
            return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _cell(cell: str | Code) -> str:
    return escape(cell) if isinstance(cell, str) else f"<code>{escape(cell.text)}</code>"
