"""How the bundled weights were trained: distillation of a teacher into a small backbone."""
