"""The window around the canvas: menus, tool bar, status bar, messages, welcome page, keys."""
