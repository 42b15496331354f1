"""The same grading on the machines of a Dask cluster. A backend like :class:`autograder.runner.Backend`.

Only the driver writes records and marks. What travels is a job, and back its record as JSON bytes: no object that a
submission has made. A worker that dies takes nothing along; the scheduler gives its submissions to another.
"""

import logging
from concurrent.futures import Future
from typing import Any

from autograder.runner import environment, grade_job
from autograder.session import Job
from crmlab.errors import CourseError
from crmlab.i18n import _

_REACH_SECONDS = 10
_MOST_SHOWN = 200  # characters of foreign text in a message


class Cluster:
    """The workers behind a Dask scheduler, e.g. ``tcp://10.0.0.5:8786``.

    Raises:
        CourseError: distributed is not installed; nobody answers within ten seconds; there are no workers, or some
            have another version of the course.
    """

    def __init__(self, address: str) -> None:
        self._address = _shown(address)
        self._client = _connect(address, self._address)
        self._tasks: dict[Future[bytes], Any] = {}
        try:
            self.workers = self._checked()
        except BaseException:
            self.close()
            raise

    def submit(self, job: Job) -> Future[bytes]:
        """Have a worker grade a submission."""
        # pure: a job that looks like an earlier one would get the earlier one's result, and --force have no effect
        task = self._client.submit(grade_job, job, pure=False)
        future: Future[bytes] = Future()
        future.set_running_or_notify_cancel()
        self._tasks[future] = task  # the scheduler forgets what nobody holds
        task.add_done_callback(lambda done: self._pass_on(done, future))
        return future

    def close(self) -> None:
        """Leave the cluster; what is not finished is given up."""
        self._tasks.clear()
        self._client.close()

    def _pass_on(self, task: Any, future: Future[bytes]) -> None:
        self._tasks.pop(future, None)
        try:
            future.set_result(task.result(timeout=_REACH_SECONDS))
        except Exception as error:
            future.set_exception(self._told(error))

    def _told(self, error: Exception) -> Exception:
        """A sentence of the course as it is; what Dask has to say, shorter."""
        from distributed import CancelledError, KilledWorker

        if isinstance(error, KilledWorker):
            return CourseError(
                _("{count} 台评分机在评这份提交时先后中断，不再尝试；请查看它们的日志和内存，再运行一次。").format(
                    count=error.allowed_failures + 1
                )
            )
        if isinstance(error, CancelledError | TimeoutError):
            return CourseError(
                _("与 Dask 调度器 {address} 的连接断了；已评好的记录都保存着，请恢复之后再运行一次。").format(
                    address=self._address
                )
            )
        if isinstance(error, CourseError):
            return error
        return CourseError(_("评分机报错：{reason}").format(reason=f"{type(error).__name__}: {error}"[:_MOST_SHOWN]))

    def _checked(self) -> int:
        """The number of submissions that the cluster grades side by side."""
        versions = self._client.run(environment, on_error="return")
        if not versions:
            raise CourseError(
                _(
                    "Dask 调度器 {address} 还没有评分机；请先在装好本课程的机器上运行 dask worker {address} --nthreads 1。"
                ).format(address=self._address)
            )
        others = sorted(_shown(worker) for worker, version in versions.items() if version != environment())
        if others:
            raise CourseError(
                _(
                    "{count} 台评分机（{workers}）上没有本课程，或版本与这台机器不同；请在各台安装同一版本，再重启 dask worker。"
                ).format(count=len(others), workers=_("、").join(others[:3]))
            )
        return sum(self._client.nthreads().values())


def _connect(address: str, shown: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise CourseError(
            _("在集群上评分还需要几个软件包，请运行 pip install '.[cluster]' 安装，或者去掉 --scheduler 在本机评分。")
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in our own words
    try:
        return distributed.Client(address, timeout=_REACH_SECONDS, set_as_default=False)
    except Exception:  # nobody there, no such host, not an address, another protocol …: Dask has no common error
        raise CourseError(
            _(
                "{seconds} 秒内连不上 Dask 调度器 {address}；请检查地址（形如 tcp://主机:8786）、防火墙和 dask scheduler 是否在运行。"
            ).format(seconds=_REACH_SECONDS, address=shown)
        ) from None


def _shown(address: str) -> str:
    """An address as a message may carry it: without what stands before an @, which may be a password."""
    return address.rpartition("@")[2][:80]
