"""The session: what is open on the desk, and all a person can do to it. Each file has one part.

``session`` projects and images: opened, gone along, closed; it owns the parts below. ``state`` what all parts
and panels read, and the signals they listen to. ``proposals`` the mask and the tags that are proposed.
``sweep`` proposals for all images. ``parameters`` of the method. ``models_in_use`` loaded, exchanged, learnt.
``tagging`` tags and classes. ``acceptance`` of the open image. ``photos`` that came to the folder.
``strokes`` drawn, taken back, and brought back.
"""

from annotator.session.session import Session

__all__ = ["Session"]
