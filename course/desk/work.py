"""The process of a job: runs the command of ``course``, and writes its end beside its progress.

``python -m course.desk.work FOLDER``; see :mod:`course.desk.jobs`.
"""

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from course.desk.jobs import LOCK, PROGRESS
from crmlab.i18n import _


def main(folder: Path) -> int:
    """Run the job described in ``folder``; returns the command's exit code."""
    about = json.loads((folder / "job.json").read_bytes())
    code = _run([about["action"], about["assignment"]])
    message = _last_line(folder / "errors.txt") if code else ""
    end = {"code": code, "message": message, "ended": datetime.now(UTC).isoformat(timespec="seconds")}
    with open(os.environ[PROGRESS], "ab") as stream:
        stream.write(json.dumps(end, ensure_ascii=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    # Who sees the end may start the next job; on a busy machine Python takes seconds to go.
    os.close(int(os.environ[LOCK]))
    return code


def _run(arguments: list[str]) -> int:
    """Exit code of a command of ``course``, which tells a CourseError on stderr as it does in a terminal."""
    from course.cli import app

    try:
        return int(app(arguments, prog_name="course", standalone_mode=False) or 0)
    except Exception:
        traceback.print_exc()
        print(_("程序出错了；详情记在班级文件夹的 hub/jobs 里。"), file=sys.stderr)
        return 1


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip()[:1000] if lines else _("没有说明原因。")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
