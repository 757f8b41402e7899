"""The formats to which masks can be exported, in the order in which they are offered."""

from __future__ import annotations

from trainer.data.formats.base import Writer
from trainer.data.formats.coco import CocoWriter
from trainer.data.formats.labelme import LabelmeWriter
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.formats.yolo import YoloWriter

WRITERS: dict[str, type[Writer]] = {
    writer.name: writer for writer in (VocWriter, CocoWriter, LabelmeWriter, YoloWriter)
}
