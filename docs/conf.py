"""The documentation site: `make docs` builds it with warnings as errors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for traits.py

from openspace_server import __version__

project = "OpenSpace in a notebook"
author = "The OpenSpace for the notebook developers"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxarg.ext",
    "traits",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests execute every notebook; the site shows what is saved in them

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {
    "ClientMixin": "OpenSpace",  # the only class of users that has one
    "Figure": "matplotlib.figure.Figure",
}
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_numpy_docstring = False
copybutton_exclude = ".linenos, .gp, .go"
