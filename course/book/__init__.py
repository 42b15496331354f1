"""The published book: pages made from ``course.yml``, a Chinese search, and the build itself."""
