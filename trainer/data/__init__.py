"""The project on disk, images, tags, VOC and other formats, palette."""
