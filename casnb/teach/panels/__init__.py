"""Panels of core ipywidgets: a model that knows no widgets, pure rendering, and the controls."""
