"""One module a command: its docstring is the help, `add_arguments(parser)` its options, `run(args)` its work.

Keep the modules' own imports light: all of them are imported for `tlcourse --help`. Heavy ones go inside `run`.
"""
