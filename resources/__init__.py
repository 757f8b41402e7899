"""Files that ship with the program: class lists, themes, translations, bundled weights."""
