"""autograder: what grades the assignments of 《客户关系管理实务》.

Hidden tests import :mod:`autograder.checks` and nothing else of this package. The way of a submission:

==============  =====================================================================================================
runner          a class: what is new is graded side by side (here or on a ``cluster``), recorded, entered
submission      what is taken from a student's file, and the notebook rebuilt from the instructor's copy
contract        the instructor's copy: which cell is whose, which answers a test may ask for; ``linter`` checks it
session         one submission: the driver between two rooms
sandbox         house (bubblewrap) → zygote (warm process) → rooms (forks with walls)
student, judge  what runs in the two rooms; ``messages`` is all that they and the driver say to each other
wire            plain data: how answers cross from a student's room to the judge's
outputs         what a student's cells showed, made harmless
records, store  what grading left behind; ``gradebook`` enters it into nbgrader's database
statistics      how the tasks worked; ``similar``: whose work looks alike; ``report``: both as a page
nbgrader_steps  what this course changes in nbgrader itself
==============  =====================================================================================================
"""
