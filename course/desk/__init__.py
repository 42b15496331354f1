"""The instructor's desk: what a section's assignments and students are doing, and the buttons to act on it.

A service of the hub at ``/services/desk/``, in a process of the account that runs the class. It shows what
:mod:`course.desk.state` reads, and it acts by running the commands of ``course`` (:mod:`course.desk.jobs`), so that
page and command line do the same.
"""
