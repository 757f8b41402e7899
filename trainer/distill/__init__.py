"""How the bundled weights came about: distillation of a teacher into a small backbone."""
