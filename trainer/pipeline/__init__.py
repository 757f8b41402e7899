"""A data set's way through the method, from image tags to masks, run by the command line."""
