"""autograder: what grades the assignments of 《客户关系管理实务》.

Hidden tests import :mod:`autograder.checks` and nothing else of this package.
"""
