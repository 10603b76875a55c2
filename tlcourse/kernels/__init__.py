"""Warm kernels: notebooks whose kernel starts with the course's libraries already imported. Linux only.

`nursery` forks processes from one that has imported them; `provisioner` gives such processes to Jupyter as kernels;
`lab` begins the imports when JupyterLab starts.
"""
