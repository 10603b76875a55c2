"""How nbgrader sees this checkout: its `generate_assignment` releases a lesson as `tlcourse build` does."""

c = get_config()  # noqa: F821  (nbgrader gives it)

c.CourseDirectory.course_id = "transfer-learning"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
# The percent sources hold the answers: they never reach learners.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.py"]

c.ClearSolutions.code_stub = {
    "python": '# YOUR CODE HERE\nraise NotImplementedError("replace this line with your answer")'
}
c.ClearSolutions.text_stub = "*Write your answer here, in place of this line.*"

# In a release, "Run All" goes on past the exercises that are not solved yet.
c.GenerateAssignment.preprocessors.append("tlcourse.grading.run_all.LetRunAll")

# nbgrader's own limit is 30 s a cell; a cell that trains a network on a slow machine takes longer.
c.Execute.timeout = 600
