"""The method of AffinityNet and the maps of strokes, as pure functions on arrays and tensors."""
