"""Settings of all tests."""

from hypothesis import settings

# A busy machine must not fail a test: time is measured in tests/bench alone.
settings.register_profile("course", deadline=None)
settings.load_profile("course")
