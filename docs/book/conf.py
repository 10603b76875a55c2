"""Sphinx's settings for the book; `make book` puts the pages together and runs it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "tlcourse"
author = "The tlcourse authors"
copyright = author
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "accessible", "mathml"]
html_theme = "furo"
html_title = "Transfer learning, measured"
html_math_renderer = "mathml"
html_copy_source = False
html_show_copyright = False
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True  # a formula on a line of its own inside a paragraph, as notebooks allow
myst_heading_anchors = 3
default_role = "code"  # docstrings write names between single backticks
nb_execution_mode = "off"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
