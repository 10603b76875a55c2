"""The exercises: declared in `lessonNN.py`, collected beside the learner's code, judged apart from it."""
