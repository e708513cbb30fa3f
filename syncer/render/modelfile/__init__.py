"""Model files as text: a new one out of values, and values into one that somebody wrote. Pure: no file is touched.

    writing.py    values → a new file                            scalars.py  one text → one scalar, and back
    revising.py   edits → an existing text, all else untouched   reading.py  events of a text → nodes, comments
    splicing.py   what differs → splices into that text          ordering.py existing keys → their documented order

What is written is read as the same by YAML 1.1, YAML 1.2 and the loader, which refuses where they disagree. The loader
has the last word: this room can't ask it, so whoever keeps a text reads it once more.
"""

from __future__ import annotations

from syncer.render.modelfile.ordering import Formatted, ordered
from syncer.render.modelfile.revising import Edit, Revised, Unplaced, revise
from syncer.render.modelfile.writing import Written, write

__all__ = ["Edit", "Formatted", "Revised", "Unplaced", "Written", "ordered", "revise", "write"]
