"""Due dates, as the gradebook of a section has them."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from course.hub.classroom import Classroom
from crmlab.i18n import _

log = logging.getLogger("course.exchange")


def due_date(classroom: Classroom, assignment: str) -> datetime | None:
    """When the assignment is due, UTC; None if it has no due date, or the gradebook is out of reach.

    The gradebook is only read. It is never made, as nbgrader's own class would, where there is none.
    """
    import sqlalchemy as sa

    url = sa.make_url(classroom.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    query = sa.text("SELECT duedate FROM assignment WHERE name = :name").columns(duedate=sa.DateTime)
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            due = connection.execute(query, {"name": assignment}).scalar()
    except sa.exc.SQLAlchemyError as error:
        if "no such table" not in str(error):
            # Without the error's text: it may hold the gradebook's address and password.
            log.warning(_("成绩册读不了（{kind}），这次不判断是否迟交。").format(kind=type(error).__name__))
        return None
    return due.replace(tzinfo=UTC) if due else None
