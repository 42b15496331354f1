"""The hub on a cluster: each server is a pod that sees what :func:`course.hub.walls.sights` says, and nothing else.

The classroom lies on one volume that many nodes can mount; a pod gets sub-paths of it, at the paths that they have
everywhere. The course comes with the image, and students' image holds only the parts that students may see. So what
bubblewrap shows on one machine and what a pod mounts come from one list.

The Zero to JupyterHub chart calls :func:`configure` (``deploy/kubernetes/values.yaml``). ``python -m
course.hub.kubernetes`` prepares the classroom before the hub starts.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client.models import (
    V1EmptyDirVolumeSource,
    V1PersistentVolumeClaimVolumeSource,
    V1Pod,
    V1PodDNSConfig,
    V1Volume,
    V1VolumeMount,
)
from kubespawner import KubeSpawner
from traitlets import Unicode, default

from course.exchange.naming import plain_student
from course.hub import walls
from course.hub.classroom import Classroom
from course.hub.limits import MIB, Limits, limits_for
from course.hub.spawner import ClassSpawner, environment, make_folders
from course.people import Person
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

ROLE_LABEL = "crm.course/role"
"""``student`` or ``staff``; the network policies go by it."""

RUNTIME = Path("/tmp/jupyter")
"""Where a server and its kernels keep their sockets: in the pod's own scratch space."""

BOOK = "http://crm-desk:8090"
"""Where the book is served, beside the desk."""

_MACHINE_ONLY = ("CRM_CLASS_PROCESS", "CRM_DB_URL")
"""What a server on the hub's own machine must know, and a pod need not or must not."""


class PodSpawner(KubeSpawner):
    """One pod a server, with the mounts of its user's role."""

    claim = Unicode("crm-classroom", help="name of the volume claim that holds the classroom").tag(config=True)
    staff_image = Unicode(help="image of staff's servers: the whole course").tag(config=True)
    gradebook_secret = Unicode(
        "crm-gradebook", help="name of the Secret whose key 'url' is the address of the gradebook"
    ).tag(config=True)
    scheduler = Unicode(help="address of the Dask scheduler that staff's servers have submissions graded by").tag(
        config=True
    )

    # Who a server is for is the same question everywhere.
    _person = ClassSpawner._person
    _classroom = ClassSpawner._classroom

    @default("container_security_context")
    def _no_privileges(self) -> dict[str, Any]:
        return {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }

    @default("automount_service_account_token")
    def _no_token(self) -> bool:
        return False

    async def start(self) -> Any:
        """Start the pod, when what it mounts is there."""
        await asyncio.to_thread(make_mountable, self._classroom(), self._person())
        return await super().start()

    def get_env(self) -> dict[str, Any]:
        return super().get_env() | self._environment()

    def _environment(self) -> dict[str, Any]:
        """As on one machine; staff get the gradebook's address from its Secret, never through the hub."""
        classroom, person = self._classroom(), self._person()
        known: dict[str, Any] = environment(classroom, person, RUNTIME, walled=True)
        for name in _MACHINE_ONLY:
            known.pop(name, None)
        known["JUPYTERHUB_ROOT_DIR"] = str(classroom.home(person.name))
        if walls.is_staff(person):
            known |= self._staffs_environment()
        return known

    def _staffs_environment(self) -> dict[str, Any]:
        return {
            "CRM_DB_URL": {"valueFrom": {"secretKeyRef": {"name": self.gradebook_secret, "key": "url"}}},
            "CRM_SCHEDULER": self.scheduler,
            "JUPYTER_IMAGE": self.staff_image,
            "JUPYTER_IMAGE_SPEC": self.staff_image,
            "MEM_LIMIT": str(pod_limits(staff=True).memory),
        }

    async def get_pod_manifest(self) -> V1Pod:
        """The pod as KubeSpawner makes it, with mounts, entrance and network of the role.

        Set on the finished pod: KubeSpawner takes text of its own options for templates, and names may hold braces.

        :raises CourseError: if the user's name can't be a folder's.
        """
        person = self._person()
        pod = await super().get_pod_manifest()
        self._mount(pod, person)
        pod.spec.enable_service_links = False  # addresses of other services are nobody's business
        if walls.is_staff(person):
            self._make_staffs(pod)
        else:
            pod.metadata.labels[ROLE_LABEL] = "student"
            # The hub is reached by its number: a student's pod asks no name server, so nothing leaks through one.
            pod.spec.dns_policy, pod.spec.dns_config = "None", V1PodDNSConfig(nameservers=["127.0.0.1"])
        return pod

    def _mount(self, pod: V1Pod, person: Person) -> None:
        classroom, staff = self._classroom(), walls.is_staff(person)
        limits = pod_limits(staff)
        container = pod.spec.containers[0]
        edition = classroom.materials / ("instructor" if staff else "student")
        entrance = walls.entrance(limits, None, classroom.home(person.name), edition, staff)
        container.args = [*entrance, *container.args]
        claim = V1PersistentVolumeClaimVolumeSource(claim_name=self.claim)
        scratch = V1EmptyDirVolumeSource(size_limit=f"{limits.scratch // MIB}Mi")
        pod.spec.volumes = [
            *(pod.spec.volumes or []),
            V1Volume(name="classroom", persistent_volume_claim=claim),
            V1Volume(name="scratch", empty_dir=scratch),
        ]
        container.volume_mounts = [
            *(container.volume_mounts or []),
            *mounts(classroom, person),
            V1VolumeMount(name="scratch", mount_path="/tmp"),
        ]

    def _make_staffs(self, pod: V1Pod) -> None:
        container = pod.spec.containers[0]
        pod.metadata.labels[ROLE_LABEL] = "staff"
        container.image = self.staff_image
        container.resources.limits["memory"] = f"{pod_limits(staff=True).memory // MIB}Mi"


def mounts(classroom: Classroom, person: Person) -> list[V1VolumeMount]:
    """The sights of a person as sub-paths of the classroom's volume; parts of the course come with the image.

    :raises CourseError: if the person's name can't be a folder's, or a sight lies elsewhere.
    """
    return [
        V1VolumeMount(
            name="classroom", mount_path=str(sight.path), sub_path=sub_path(classroom, sight.path),
            read_only=not sight.writable,
        )
        for sight in _of_classroom(classroom, person)
    ]  # fmt: skip


def make_mountable(classroom: Classroom, person: Person) -> None:
    """Make what a person's pod mounts. What is missing then, the node would make, and the superuser would own it."""
    sights = list(_of_classroom(classroom, person))
    make_folders(classroom, person)
    for sight in sights:
        sight.path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _of_classroom(classroom: Classroom, person: Person) -> Iterator[walls.Sight]:
    plain_student(person.name)  # a folder's name, and no way to another folder
    for sight in walls.sights(classroom, person):
        if not sight.path.is_relative_to(course_root()) or sight.path.is_relative_to(classroom.folder):
            yield sight


def sub_path(classroom: Classroom, path: Path) -> str:
    """Where ``path`` lies on the classroom's volume.

    :raises CourseError: if it lies elsewhere, the way to it leads back, or Kubernetes takes no such path.
    """
    inside = path.is_relative_to(classroom.folder) and path != classroom.folder
    if not inside or ".." in path.parts or ":" in str(path):
        raise CourseError(_("{path} 不能挂载：应当在教室的存储卷里，名称中不能有冒号。").format(path=path))
    return str(path.relative_to(classroom.folder))


def pod_limits(staff: bool) -> Limits:
    """Limits of a pod's server. Processes are the node's to count (``podPidsLimit``): the system counts those of an
    account over all pods of a node together, which would stop a whole class at one student's limit.
    """
    return replace(limits_for(staff), processes=2**20)


# ------------------------------------------------------------------------------------------------------------ the hub


def configure(c: Any) -> None:
    """What the chart's values leave open. ``c`` is the hub's configuration, the chart's own settings in it."""
    from course.desk import service as desk
    from course.people.hub import configure as configure_people

    classroom = Classroom.here()
    os.environ.setdefault("CRM_CLASS_PROCESS", str(classroom.folder))
    here = Path(__file__).resolve().parent
    c.JupyterHub.template_paths = [str(here / "templates")]
    c.JupyterHub.load_roles = [*c.JupyterHub.get("load_roles", []), *desk.roles(classroom)]
    c.JupyterHub.proxy_class = "course.hub.proxy.CourseProxy"
    c.Proxy.extra_routes = {"/book/": BOOK}
    configure_people(c, classroom)

    c.JupyterHub.spawner_class = PodSpawner
    c.PodSpawner.staff_image = os.environ["CRM_STAFF_IMAGE"]
    c.PodSpawner.scheduler = os.environ.get("CRM_SCHEDULER", "")
    # By number: students' pods ask no name server.
    c.PodSpawner.hub_connect_url = f"http://{os.environ['HUB_SERVICE_HOST']}:{os.environ['HUB_SERVICE_PORT']}"
    c.PodSpawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
    c.PodSpawner.args = [f"--config={here / 'server_config.py'}"]
    c.PodSpawner.default_url = "/lab"
    # A teacher of several sections has a server for each; the spawner refuses all other names.
    c.JupyterHub.allow_named_servers = True


def prepare() -> None:
    """Make the classroom's folders and the chapters as each role gets them.

    :raises CourseError: if a chapter or ``course.yml`` is broken.
    """
    from course.hub.materials import write_editions

    classroom = Classroom.here()
    classroom.create()
    write_editions(classroom.materials)


if __name__ == "__main__":
    prepare()
