"""Films of the lessons: captions, clicks and pictures from a notebook, and the terminal story as
a recording; the same input gives the same frames.
"""
