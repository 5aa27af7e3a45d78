"""Exercises: how an answer is judged, what each chapter asks, and what a reader has done so far."""
