"""Errors that are the user's to solve: one clear sentence that names the file and what to do."""


class UserError(Exception):
    """Something outside the program is wrong; the message is a single sentence fit to be shown as it is."""


class Cancelled(UserError):
    """A person ended what was under way; nothing is left of it."""


class DataError(UserError):
    """An image, mask, tag file, XML or project file cannot be used."""


class WeightsError(UserError):
    """A weights file is missing, damaged, of another architecture, or cannot be downloaded."""
