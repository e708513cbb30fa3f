"""What differs between two values, laid out as rows or lines. Pure. Which fields differ, `plan.diff` decides.

values.py      a change's fields as rows, nested as the values are, with unchanged parts folded
hunks.py       the same as lines with signs in front, for markdown and HTML
unified.py     two texts of a file, as `diff -u` shows them
text_lines.py  texts of several lines, and what of their difference lines can't show
list_items.py  which elements of two lists stand side by side
matching.py    which elements of two sequences are the same: a patience diff
"""
