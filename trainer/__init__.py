"""The method and its backend: data, models, AffinityNet pipeline, training. Never imports Qt."""
