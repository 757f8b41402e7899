"""Image view, raster layers and painting tools."""
