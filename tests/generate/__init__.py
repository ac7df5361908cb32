"""Generated files: one source each, written by `make generate`, checked by `make verify`."""
