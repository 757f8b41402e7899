"""The session: what is open on the desk, and everything a person can do to it. One file for each part.

- ``session``: opens, steps through and closes projects and images; owns the parts below.
- ``state``: what all parts and panels read, and the signals they listen to.
- ``proposals``: mask and tags proposed for the open image. ``propose_all``: proposals for all images.
- ``parameters``: those of the method. ``models``: loading, replacing and learning them.
- ``tagging``: tags and classes. ``strokes``: drawing, undo, redo. ``acceptance``: accepting the open image.
- ``rescan``: finds photos that were added to the folder. ``mask_import``: masks of other programs.
"""

from annotator.session.session import Session

__all__ = ["Session"]
