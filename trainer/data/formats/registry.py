"""The formats to which masks can be exported, in the order in which they are offered."""

from __future__ import annotations

from trainer.data.formats.base import Writer
from trainer.data.formats.voc_writer import VocWriter

WRITERS: dict[str, type[Writer]] = {writer.name: writer for writer in (VocWriter,)}
