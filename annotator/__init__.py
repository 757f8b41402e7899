"""The desk: the Qt program a labeler sees. Imports trainer, never the other way round."""
