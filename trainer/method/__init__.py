"""The method of AffinityNet as pure functions on arrays and tensors."""
