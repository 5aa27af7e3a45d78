"""How Sphinx builds the site out of build/site-src: offline, nothing from elsewhere."""

from pathlib import Path

import casnb

HERE = Path(__file__).resolve().parent

project = "casnb"
author = "the authors of casnb"
copyright = "the authors of casnb; texts CC BY 4.0, code Apache-2.0"
release = version = casnb.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
#: Docstrings are prose in which `backticks` are code.
default_role = "code"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
exclude_patterns = []
nb_execution_mode = "off"
#: A panel's saved form is HTML; the live one needs a kernel, and scripts from elsewhere.
nb_mime_priority_overrides = [("html", "text/html", 0)]
nb_ipywidgets_js = {}
nb_code_prompt_show = "Show the cell"
nb_code_prompt_hide = "Hide the cell"
nb_remove_code_outputs = False
myst_enable_extensions = []
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = []
smartquotes = False
html_theme = "furo"
html_title = "casnb"
html_static_path = [str(HERE / "static")]
html_css_files = ["casnb.css"]
html_js_files = ["casnb.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "font-stack": "system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif",
        "font-stack--monospace": "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace",
        "color-brand-primary": "#0b4f9e",
        "color-brand-content": "#0b4f9e",
        "color-foreground-secondary": "#575757",
        "color-foreground-muted": "#5f5f5f",
        "color-highlight-on-target": "#e8f0fa",
    },
    "dark_css_variables": {
        "color-brand-primary": "#93c2ff",
        "color-brand-content": "#93c2ff",
        "color-foreground-secondary": "#b0b0b0",
        "color-foreground-muted": "#a8a8a8",
        "color-highlight-on-target": "#1f2c3d",
    },
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app):
    """Let the side bar of a page show the part of the site that the page is in, and of the rest the
    ways in. A tree of all pages on each page was two thirds of what the build took.
    """
    app.connect("html-page-context", _own_part, priority=400)


def _own_part(app, page, template, context, doctree):
    whole = context.get("toctree")
    if whole:
        context["toctree"] = lambda **wanted: whole(**{**wanted, "collapse": True})
