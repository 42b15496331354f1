"""``python -m course.book.jupyter_book_run SOURCE HTML CACHE``: one run of Jupyter Book with an honest exit code.

The same as ``jupyter-book build -n -W --keep-going``, except that the pages go straight to HTML and that the cache of
executed notebooks lies where the caller says.
"""

import sys
from pathlib import Path

from jupyter_book.sphinx import build_sphinx


def main(source: Path, html: Path, cache: Path) -> int:
    """0 when every notebook ran and nothing was warned about."""
    result = build_sphinx(
        source,
        html,
        path_config=source / "_config.yml",
        noconfig=True,
        confoverrides={
            "external_toc_path": (source / "_toc.yml").as_posix(),
            "latex_individualpages": False,
            "nb_execution_cache_path": cache.as_posix(),
            "nitpicky": True,
        },
        warningiserror=True,
        keep_going=True,
    )
    return 1 if isinstance(result, BaseException) else int(result)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
