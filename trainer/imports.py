"""Large imports beside a program that must not pause."""

import gc
import importlib
import sys


def import_for_good(*modules: str) -> None:
    """Import modules, and keep what they leave behind out of garbage collection from then on.

    A collection stops every thread. That of the hundreds of thousands of objects that torch consists of takes
    0.1 to 0.3 s, several times during the import and now and then later. Modules stay, so nothing is missed.
    Does nothing where all are imported already.
    """
    if all(name in sys.modules for name in modules):
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        for name in modules:
            importlib.import_module(name)
        gc.freeze()
    finally:
        if collecting:
            gc.enable()
