"""Right and wrong answers for every exercise, one module an exercise: `RIGHT` and `WRONG`.

`WRONG` maps the code of a finding to an answer that must be caught with just that finding.
"""
