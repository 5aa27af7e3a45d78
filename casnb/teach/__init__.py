"""What makes it a lesson: the lab, exercises, progress, and panels to click."""
