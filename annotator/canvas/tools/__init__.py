"""The tools: what a press, a drag and a click on the canvas do. One file each.

Menus, tool bar and shortcut sheet show them in this order.
"""

from annotator.canvas.tools.base import Tool
from annotator.canvas.tools.box import BoxTool
from annotator.canvas.tools.brush import Brush
from annotator.canvas.tools.eraser import Eraser
from annotator.canvas.tools.fill import Fill
from annotator.canvas.tools.magnetic import Magnetic
from annotator.canvas.tools.objects import ObjectsTool
from annotator.canvas.tools.picker import Picker
from annotator.canvas.tools.polygon import Polygon
from annotator.canvas.tools.superpixel import SuperpixelTool

TOOLS: tuple[type[Tool], ...] = (
    Brush,
    Eraser,
    BoxTool,
    Polygon,
    Magnetic,
    Fill,
    SuperpixelTool,
    ObjectsTool,
    Picker,
)
