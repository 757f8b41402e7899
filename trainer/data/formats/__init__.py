"""Formats of data sets: one file each for reading and for writing; `registry` lists the writers."""
