"""The instructor's desk: what a class understood, what it did not, and how good each question was."""
