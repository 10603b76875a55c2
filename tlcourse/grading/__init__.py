"""Grading a class with nbgrader: the class's folder, the batch, and its tables."""
