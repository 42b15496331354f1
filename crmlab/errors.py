"""Errors that a student or a teacher reads."""


class CourseError(ValueError):
    """Bad input, told in one sentence: what is wrong, where, and what to do.

    In a notebook only that sentence is shown: a traceback through library code teaches nothing about a wrong column.

    >>> from crmlab import rfm
    >>> try:
    ...     rfm.segment([5, 4, 5])
    ... except CourseError as error:
    ...     print(error)
    评分表应是 DataFrame，现在是 list
    """

    def _render_traceback_(self) -> list[str]:
        return [f"❌ {self}"]
