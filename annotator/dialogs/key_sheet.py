"""All keys on one page, to be printed."""

from html import escape
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QMarginsF
from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter, QTextDocument

from annotator.actions import ACTIONS, GROUPS, Actions, spec_of, translated
from trainer.data.atomic import write_atomically

COLUMNS = 2
KEY_WIDTH = 125  # pixels of the page, which has some 700
MARGIN = 12.0  # millimetres
STYLE = """
body { font-family: sans-serif; font-size: 8pt; color: #1f2328; }
p { margin: 0; } p.title { font-size: 14pt; } p.group { font-size: 10pt; font-weight: 700; margin-top: 10px; }
td.key { font-weight: 700; white-space: nowrap; }
"""


def key_sheet(actions: Actions) -> str:
    """The keys as the person has set them, as HTML: a table for each group, in two columns."""
    held = QCoreApplication.translate("KeysDialog", " (hold)")
    tables = list[str]()
    for group in GROUPS:
        rows = list[str]()
        for spec in ACTIONS:
            key = actions.key_text(spec.id)
            if spec.group == group and key:
                name = translated(spec.text, spec).rstrip("…")
                shown = key + (held if spec_of(spec.id).hold else "")
                cell = f"<td class='key' width='{KEY_WIDTH}'>{escape(shown)}</td>"
                rows.append(f"<tr>{cell}<td>{escape(name)}</td></tr>")
        if rows:
            head = f"<p class='group'>{escape(translated(group))}</p>"
            tables.append(f"{head}<table cellpadding='1'>{''.join(rows)}</table>")
    title = escape(QCoreApplication.translate("KeysDialog", "Keyboard shortcuts"))
    columns = "".join(f"<td width='{100 // COLUMNS}%'>{''.join(part)}</td>" for part in _halves(tables))
    return (
        f"<html><head><style>{STYLE}</style></head><body><p class='title'>Affinity Annotator · {title}</p>"
        f"<table width='100%'><tr>{columns}</tr></table></body></html>"
    )


def write_pdf(html: str, file: Path) -> None:
    """Write a page of A4 as PDF; callable from any thread. Raises DataError where it cannot be written."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(MARGIN, MARGIN, MARGIN, MARGIN),
            QPageLayout.Unit.Millimeter,
        )
    )
    document = QTextDocument()
    document.setHtml(html)
    document.print_(writer)
    buffer.close()
    with write_atomically(file) as temporary:
        temporary.write_bytes(content.data())


def _halves(tables: list[str]) -> tuple[list[str], list[str]]:
    """Two columns that are about equally long: each table goes into the one that is shorter so far."""
    columns: tuple[list[str], list[str]] = [], []
    for table in tables:
        min(columns, key=lambda column: "".join(column).count("<tr>") + 2 * len(column)).append(table)
    return columns
