"""People: the class list, how it comes in, and how people log in.

The names below are what the other packages use; the pages and log-in methods of the hub are in
:mod:`course.people.hub`, the commands in :mod:`course.people.commands`.
"""

from course.people.members import enrol, read_people, staff_of, students_of
from course.people.model import Person, Role

__all__ = ["Person", "Role", "enrol", "read_people", "staff_of", "students_of"]
