"""The class on a cluster, without a cluster: pods as the real KubeSpawner makes them, manifests against Kubernetes' own
schemas, values against a strict schema of ours, the image's recipe against what the walls show."""

import asyncio
import copy
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import kubernetes_validate
import kubespawner.spawner
import pytest
from dockerfile_parse import DockerfileParser
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiClient
from ruamel.yaml import YAML
from tornado.httpclient import AsyncHTTPClient
from traitlets.config import Config, PyFileConfigLoader

import course.hub.spawner
from course import grading
from course.hub import book_server, kubernetes, walls
from course.hub.classroom import Classroom
from course.hub.limits import limits_for
from course.hub.preflight import free_ports
from course.people import Person
from crmlab.errors import CourseError
from crmlab.paths import course_root

DEPLOY = course_root() / "deploy" / "kubernetes"
KUSTOMIZATIONS = sorted((DEPLOY / "manifests").glob("*/kustomization.yaml"))
MANIFESTS = sorted(set((DEPLOY / "manifests").glob("*/*.yaml")) - set(KUSTOMIZATIONS))
CLASSROOM = Classroom(Path("/srv/crm/classroom"))
STUDENT = Person("20230001", "李雷", "student", ("crm",))
GRADER = Person("helper", "", "grader", ("crm-2",))
TEACHER = Person("teacher", "", "instructor", ("crm", "crm-2"))
VERSION = 37
"""Kubernetes 1.37; and 1.33, the oldest that README.md promises."""


@cache
def values(name: str = "values.yaml") -> Any:
    return YAML(typ="safe").load((DEPLOY / name).read_text("utf-8"))


@cache
def documents() -> tuple[dict[str, Any], ...]:
    return tuple(one for path in MANIFESTS for one in YAML(typ="safe").load_all(path.read_text("utf-8")))


def named(kind: str, name: str) -> dict[str, Any]:
    return next(one for one in documents() if (one["kind"], one["metadata"]["name"]) == (kind, name))


def check(resource: dict[str, Any]) -> None:
    """Against Kubernetes' schemas, which know every field."""
    for version in ("1.33", f"1.{VERSION}"):
        kubernetes_validate.validate(resource, version, strict=True)


# ------------------------------------------------------------------------------------------------- a hub for the pods


@pytest.fixture(scope="module", autouse=True)
def hub() -> Iterator[None]:
    """The environment of the hub's container, and no cluster to log in to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubespawner.spawner, "load_config", lambda **_options: None)
        given_by_values = values()["hub"]["extraEnv"]
        patch.setenv("CRM_CLASSROOM", given_by_values["CRM_CLASSROOM"])
        patch.setenv("CRM_STAFF_IMAGE", given_by_values["CRM_STAFF_IMAGE"])
        patch.setenv("CRM_SCHEDULER", given_by_values["CRM_SCHEDULER"])
        patch.setenv("CRM_CLASS_PROCESS", given_by_values["CRM_CLASSROOM"])
        patch.setenv("CRM_DB_URL", "postgresql+psycopg://hub:never-in-a-pod@db/x")
        patch.setenv("HUB_SERVICE_HOST", "10.3.2.1")
        patch.setenv("HUB_SERVICE_PORT", "8081")
        patch.delenv("CRM_SECTION", raising=False)
        patch.delenv("CRM_MEMORY", raising=False)
        yield


def chart(singleuser: dict[str, Any]) -> Config:
    """What the chart makes of the values for the spawner."""
    c = Config()
    c.KubeSpawner.image = "{name}:{tag}".format(**singleuser["image"])
    c.KubeSpawner.uid = singleuser["uid"]
    c.KubeSpawner.allow_privilege_escalation = singleuser["allowPrivilegeEscalation"]
    c.KubeSpawner.mem_limit, c.KubeSpawner.mem_guarantee = (singleuser["memory"][key] for key in ("limit", "guarantee"))
    c.KubeSpawner.cpu_limit, c.KubeSpawner.cpu_guarantee = (singleuser["cpu"][key] for key in ("limit", "guarantee"))
    c.KubeSpawner.extra_resource_limits = singleuser["extraResource"]["limits"]
    c.KubeSpawner.extra_resource_guarantees = singleuser["extraResource"]["guarantees"]
    return c


@cache
def pod_of(person: Person, server: str = "") -> dict[str, Any]:
    """The pod that the real KubeSpawner would ask Kubernetes for."""

    async def make() -> Any:
        c = chart(values()["singleuser"])
        kubernetes.configure(c)
        user = SimpleNamespace(name=person.name, id=7, url=f"/user/{person.name}/", escaped_name=person.name)
        hub = SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/", url="/hub/")
        spawner = kubernetes.PodSpawner(config=c, user=user, hub=hub)
        async with ApiClient() as client:
            return client.sanitize_for_serialization(await spawner.get_pod_manifest())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course.hub.spawner, "read_people", lambda _classroom: {person.name: person})
        patch.setattr(kubernetes.PodSpawner, "name", server)
        return asyncio.run(make())


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    return only


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(pod)["env"]}


def shown(pod: dict[str, Any]) -> dict[str, str]:
    """What of the classroom is mounted, each at its own path: sub-path -> rw or ro."""
    found = {}
    for mount in container(pod)["volumeMounts"]:
        if mount["name"] == "classroom":
            assert mount["mountPath"] == f"{CLASSROOM.folder}/{mount['subPath']}"
            found[mount["subPath"]] = "ro" if mount["readOnly"] else "rw"
    return found


# ------------------------------------------------------------------------------------------------------------- mounts


def test_a_student_sees_the_own_home_and_boxes_and_what_is_released():
    assert shown(pod_of(STUDENT)) == {
        "materials/student": "ro",
        "homes/20230001": "rw",
        "exchange/crm/outbound": "ro",
        "exchange/crm/inbound/20230001": "rw",
        "exchange/crm/feedback/20230001": "ro",
        "exchange/crm/receipts/20230001": "ro",
    }


def test_a_grader_sees_the_own_sections_work_and_no_other_section():
    assert shown(pod_of(GRADER)) == {
        "materials/instructor": "ro",
        "homes/helper": "rw",
        "courses/crm-2": "rw",
        "grading/crm-2": "rw",
        "received/crm-2": "rw",
        "exchange/crm-2": "rw",
    }


def test_an_instructor_sees_all_own_sections():
    sections = {
        f"{place}/{section}" for place in ("courses", "grading", "received", "exchange") for section in ("crm", "crm-2")
    }
    assert shown(pod_of(TEACHER)) == {"materials/instructor": "ro", "homes/teacher": "rw"} | dict.fromkeys(
        sections, "rw"
    )


@pytest.mark.parametrize("person", [STUDENT, GRADER, TEACHER], ids=lambda person: person.role)
def test_mounts_are_the_sights_of_the_walls(person: Person):
    """What bubblewrap shows of the classroom is what a pod mounts, in the same order: nothing more, nothing less."""
    sights = [sight for sight in walls.sights(CLASSROOM, person) if sight.path.is_relative_to(CLASSROOM.folder)]
    mounts = kubernetes.mounts(CLASSROOM, person)
    assert [(mount.mount_path, not mount.read_only) for mount in mounts] == [(str(s.path), s.writable) for s in sights]
    assert {mount.name for mount in mounts} == {"classroom"}


def test_the_volume_is_the_one_of_the_manifests_and_nothing_of_the_node_is_mounted():
    for person in (STUDENT, GRADER, TEACHER):
        volumes = pod_of(person)["spec"]["volumes"]
        assert volumes == [
            {"name": "classroom", "persistentVolumeClaim": {"claimName": "crm-classroom"}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "512Mi"}},
        ]
    assert named("PersistentVolumeClaim", "crm-classroom")["spec"]["accessModes"] == ["ReadWriteMany"]


OTHERS = ("20230002", "2023000", "x")


@settings(max_examples=300)
@given(st.text(min_size=0, max_size=120) | st.from_regex(r"[a-z0-9./\\{}:_-]{0,12}", fullmatch=True))
def test_whatever_the_name_a_student_mounts_the_own_folders_or_nothing(name: str):
    person = Person(name, "", "student", ("crm",))
    try:
        mounts = kubernetes.mounts(CLASSROOM, person)
    except CourseError:
        assert not re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?", name), "a name that the class list takes"
        return
    own = {f"homes/{name}", *(f"exchange/crm/{box}/{name}" for box in ("inbound", "feedback", "receipts"))}
    assert {mount.sub_path for mount in mounts} == own | {"materials/student", "exchange/crm/outbound"}
    assert all(path.count("/") == (1 if path.startswith("homes") else 3) for path in own)
    for mount in mounts:
        assert not {"..", ".", ""} & set(mount.sub_path.split("/"))
        assert ":" not in mount.mount_path
        assert not any(other in mount.sub_path.split("/") for other in OTHERS if other != name)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "..", "", ".", "a\nb", "c:d", "/etc", "x/../20230002", "{userid}/..", "a\0b"]
)
def test_a_name_that_leads_elsewhere_gets_no_server(name: str):
    with pytest.raises(CourseError):
        pod_of(Person(name, "", "student", ("crm",)))


@pytest.mark.parametrize("name", ["{userid}", "{unescaped_username.__class__}", "{nothing}", "a{b}c"])
def test_braces_in_a_name_are_no_template(name: str):
    """KubeSpawner fills in its own options; a name must not."""
    pod = pod_of(Person(name, "", "student", ("crm",)))
    assert f"homes/{name}" in shown(pod)
    assert environment(pod)["HOME"] == f"{CLASSROOM.folder}/homes/{name}"


def test_a_sight_outside_classroom_and_course_is_not_mounted(monkeypatch: pytest.MonkeyPatch):
    for path in (Path("/etc/passwd"), CLASSROOM.folder, CLASSROOM.folder / "homes" / ".." / "secrets"):
        monkeypatch.setattr(walls, "sights", lambda *_arguments, path=path: [walls.Sight(path)])
        with pytest.raises(CourseError, match="不能挂载"):
            kubernetes.mounts(CLASSROOM, STUDENT)


def test_folders_are_there_before_a_pod_mounts_them(tmp_path: Path):
    """Else the node makes them, and the superuser owns them."""
    classroom = Classroom(tmp_path / "classroom")
    for person in (STUDENT, TEACHER):
        kubernetes.make_mountable(classroom, person)
        for mount in kubernetes.mounts(classroom, person):
            assert Path(mount.mount_path).is_dir()
    assert classroom.drop_box("20230001").stat().st_mode & 0o777 == 0o700
    assert classroom.home("20230001").stat().st_mode & 0o777 == 0o700
    kubernetes.make_mountable(classroom, STUDENT)


def test_a_server_starts_when_its_folders_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path))
    monkeypatch.setattr(course.hub.spawner, "read_people", lambda _classroom: {STUDENT.name: STUDENT})

    async def started(_spawner: Any) -> tuple[str, bool]:
        return "10.0.0.9", (tmp_path / "homes" / STUDENT.name).is_dir()

    monkeypatch.setattr(kubespawner.KubeSpawner, "start", started)

    async def start() -> Any:
        user = SimpleNamespace(name=STUDENT.name, id=7, url="/user/20230001/", escaped_name=STUDENT.name)
        return await kubernetes.PodSpawner(user=user, hub=SimpleNamespace()).start()

    assert asyncio.run(start()) == ("10.0.0.9", True)


def test_who_is_not_on_the_class_list_gets_no_pod(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(course.hub.spawner, "read_people", lambda _classroom: {})

    async def make() -> Any:
        user = SimpleNamespace(name="stranger", id=7, url="/", escaped_name="stranger")
        return await kubernetes.PodSpawner(user=user, hub=SimpleNamespace()).get_pod_manifest()

    with pytest.raises(Exception, match="不在班级名单里"):
        asyncio.run(make())


# ------------------------------------------------------------------------------------------------ what a pod may do


@pytest.mark.parametrize("person", [STUDENT, GRADER, TEACHER], ids=lambda person: person.role)
def test_pods_fit_kubernetes_own_schema(person: Person):
    check(pod_of(person))


@pytest.mark.parametrize("person", [STUDENT, GRADER, TEACHER], ids=lambda person: person.role)
def test_no_pod_has_privileges_or_a_token_of_the_cluster(person: Person):
    pod = pod_of(person)
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod["spec"]
    assert pod["spec"]["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod["spec"])
    assert container(pod)["securityContext"] == {
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_students_limits_are_those_of_the_walls():
    resources = container(pod_of(STUDENT))["resources"]
    assert resources["limits"] == {"cpu": 2, "memory": limits_for(staff=False).memory, "ephemeral-storage": "1Gi"}
    assert resources["requests"] == {"cpu": 0.1, "memory": 768 * 2**20, "ephemeral-storage": "64Mi"}


def test_staff_get_the_whole_course_and_more_memory_and_students_the_image_without_solutions():
    student, teacher = pod_of(STUDENT), pod_of(TEACHER)
    assert container(student)["image"] == "registry.example.edu/crm/student:0.1.0"
    assert container(teacher)["image"] == "registry.example.edu/crm/staff:0.1.0"
    assert container(teacher)["resources"]["limits"]["memory"] == f"{limits_for(staff=True).memory // 2**20}Mi"
    assert environment(teacher)["MEM_LIMIT"] == str(limits_for(staff=True).memory)
    assert {pod["metadata"]["labels"]["crm.course/role"] for pod in (pod_of(GRADER), teacher)} == {"staff"}
    assert student["metadata"]["labels"]["crm.course/role"] == "student"


def test_students_pods_know_no_name_server_and_reach_the_hub_by_its_number():
    student = pod_of(STUDENT)
    assert student["spec"]["dnsPolicy"] == "None"
    assert student["spec"]["dnsConfig"] == {"nameservers": ["127.0.0.1"]}
    assert environment(student)["JUPYTERHUB_API_URL"] == "http://10.3.2.1:8081/hub/api"
    assert "dnsPolicy" not in pod_of(TEACHER)["spec"]


def test_the_way_to_the_gradebook_comes_from_its_secret_and_to_staff_only():
    for person in (GRADER, TEACHER):
        known = environment(pod_of(person))
        assert known["CRM_DB_URL"] == {"secretKeyRef": {"name": "crm-gradebook", "key": "url"}}
        assert known["CRM_SCHEDULER"] == "tcp://crm-dask-scheduler.crm-grading:8786"
    student = pod_of(STUDENT)
    assert not {"CRM_DB_URL", "CRM_SCHEDULER"} & set(environment(student))
    for pod in (student, pod_of(TEACHER)):
        assert "never-in-a-pod" not in json.dumps(pod)


def test_a_server_knows_what_it_knows_on_one_machine():
    known = environment(pod_of(STUDENT))
    assert known["CRM_ROLE"] == "student"
    assert (known["CRM_SECTION"], known["CRM_SECTIONS"]) == ("crm", "crm")
    assert known["CRM_CLASSROOM"] == "/srv/crm/classroom"
    assert known["HOME"] == known["JUPYTERHUB_ROOT_DIR"] == "/srv/crm/classroom/homes/20230001"
    assert known["JUPYTERHUB_USER"] == "20230001"
    assert known["JUPYTER_RUNTIME_DIR"].startswith("/tmp/"), "the root file system is read-only"
    assert not {"CRM_LISTENER", "CRM_CLASS_PROCESS"} & set(known)


def test_a_teachers_named_server_is_for_that_section():
    assert environment(pod_of(TEACHER, "crm-2"))["CRM_SECTION"] == "crm-2"
    with pytest.raises(Exception, match="没有名为 crm-9 的教学班"):
        pod_of(TEACHER, "crm-9")
    with pytest.raises(Exception, match="没有名为 crm 的教学班"):
        pod_of(STUDENT, "crm")


def test_a_server_enters_as_behind_the_walls():
    """Chapters are laid into the home, and a student's processes are forbidden what break-outs are made of."""
    words = container(pod_of(STUDENT))["args"]
    assert words[:4] == [sys.executable, "-I", "-m", "course.hub.enter"]
    told = json.loads(words[4])
    assert told["home"] == "/srv/crm/classroom/homes/20230001"
    assert told["materials"] == "/srv/crm/classroom/materials/student"
    assert (told["account"], told["forbid"]) == (None, True)
    assert told["processes"] > 10**5, "the system counts an account's processes over all pods of a node"
    assert words[5:9] == ["--", sys.executable, "-m", "jupyterhub.singleuser"]
    assert json.loads(container(pod_of(TEACHER))["args"][4])["forbid"] is False


def test_the_classroom_is_prepared_before_the_hub_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRM_CLASSROOM", str(tmp_path / "classroom"))
    kubernetes.prepare()
    classroom = Classroom(tmp_path / "classroom")
    assert classroom.receipt_key.stat().st_mode & 0o777 == 0o600
    assert any((classroom.materials / "student" / "chapters").glob("*.ipynb"))
    (first,) = values()["hub"]["initContainers"]
    assert first["command"] == ["python", "-m", "course.hub.kubernetes"]


# ---------------------------------------------------------------------------- what differs from one machine elsewhere


def test_each_section_has_its_gradebook_on_the_server_that_the_secret_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRM_DB_URL", "postgresql+psycopg://teacher@postgres/crm-{section}")
    assert CLASSROOM.db_url.endswith("/crm-crm")
    assert CLASSROOM.of("crm-2").db_url.endswith("/crm-crm-2")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "tcp://crm-dask-scheduler.crm-grading:8786"),
        ({"scheduler": "tcp://other:1"}, "tcp://other:1"),
        ({"workers": 1}, None),
    ],
    ids=["as the class has it", "another one", "here"],
)
def test_every_way_of_grading_goes_to_the_graders_of_the_class(arguments: Any, expected: Any, tmp_path: Path):
    asked = []

    def backend(_workers: Any, scheduler: Any, _trust: Any) -> Any:
        asked.append(scheduler)
        raise CourseError("enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "_backend", backend)
        patch.setattr(grading, "_chosen", lambda *_arguments: [])
        patch.setattr(grading, "ensure_in_gradebook", lambda *_arguments: None)
        with pytest.raises(CourseError, match="enough"):
            grading.grade("a04-segmentation", classroom=Classroom(tmp_path), **arguments)
    assert asked == [expected]


def test_a_server_without_a_socket_listens_at_its_port(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CRM_LISTENER", raising=False)
    folder = str(course_root() / "course" / "hub")
    assert PyFileConfigLoader("server_config.py", path=folder).load_config().ServerApp.sock == ""


def test_the_book_is_served_at_a_port_where_the_proxy_is_elsewhere(tmp_path: Path):
    (tmp_path / "index.html").write_text("目录", "utf-8")
    (port,) = free_ports(1)

    async def read() -> str:
        serving = asyncio.create_task(book_server.serve(str(port), tmp_path))
        await asyncio.sleep(0)
        page = await AsyncHTTPClient(force_instance=True).fetch(f"http://127.0.0.1:{port}/book/")
        serving.cancel()
        return page.body.decode("utf-8")

    assert asyncio.run(read()) == "目录"


# ------------------------------------------------------------------------------------------------- values and manifests


@pytest.mark.parametrize("name", ["values.yaml", "site.example.yaml"])
def test_values_name_only_what_the_chart_knows(name: str):
    schema = json.loads((DEPLOY / "values.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(values(name), schema)


@pytest.mark.parametrize(
    "slip",
    [
        {"singleuser": {"memmory": {}}},
        {"singleuser": {"networkPolicy": {"enabled": False}}},
        {"hub": {"db": {"url": "postgresql+psycopg://hub:geheim@postgres/hub"}}},
        {"hub": {"image": {"name": "a/b", "tag": "latest"}}},
        {"proxy": {"https": {"enabled": False}}},
        {"proxy": {"secretToken": "x"}},
    ],
    ids=lambda slip: str(slip)[:60],
)
def test_the_schema_finds_slips(slip: dict[str, Any]):
    schema = json.loads((DEPLOY / "values.schema.json").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(slip, schema)


def test_the_hubs_pod_fits_kubernetes_own_schema():
    """The parts of the values that the chart copies into the hub's pod as they are."""
    hub = values()["hub"]
    pod = {
        "securityContext": hub["podSecurityContext"],
        "initContainers": hub["initContainers"],
        "volumes": hub["extraVolumes"],
        "containers": [
            {
                "name": "hub",
                "image": "x",
                "env": [{"name": name, "value": value} for name, value in hub["extraEnv"].items()],
                "volumeMounts": hub["extraVolumeMounts"],
                "securityContext": hub["containerSecurityContext"],
                "resources": hub["resources"],
            }
        ],
    }
    check({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hub"}, "spec": pod})
    for walled in (hub["containerSecurityContext"], hub["initContainers"][0]["securityContext"]):
        assert walled["runAsNonRoot"] is True
        assert walled["capabilities"] == {"drop": ["ALL"]}


def test_the_hubs_own_configuration_is_python_that_calls_ours():
    (text,) = values()["hub"]["extraConfig"].values()
    c = Config()
    exec(text, {"c": c})
    assert c.JupyterHub.spawner_class is kubernetes.PodSpawner
    assert c.Proxy.extra_routes == {"/book/": "http://crm-desk:8090"}
    assert [role["name"] for role in c.JupyterHub.load_roles].count("desk-access") == 1


def test_configuration_keeps_the_roles_of_the_chart():
    c = Config()
    c.JupyterHub.load_roles = [{"name": "jupyterhub-idle-culler"}]
    kubernetes.configure(c)
    assert {"jupyterhub-idle-culler", "desk-access"} <= {role["name"] for role in c.JupyterHub.load_roles}


def test_students_pods_reach_hub_and_proxy_only():
    policy = values()["singleuser"]["networkPolicy"]
    assert policy["enabled"] is True
    assert (policy["ingress"], policy["egress"]) == ([], [])
    assert set(policy["egressAllowRules"].values()) == {False}
    assert len(policy["egressAllowRules"]) == 6
    for one in documents():
        if one["kind"] == "NetworkPolicy":
            assert one["spec"]["podSelector"]["matchLabels"] != {}
            assert "student" not in json.dumps(one["spec"])


@pytest.mark.parametrize("resource", documents(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_manifests_fit_kubernetes_own_schema(resource: dict[str, Any]):
    check(resource)


def test_a_slip_in_a_manifest_would_be_found():
    broken = copy.deepcopy(named("Deployment", "crm-desk"))
    broken["spec"]["template"]["spec"]["containers"][0]["securityContexts"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check(broken)


def test_kustomizations_hold_all_manifests_and_leave_the_namespace_to_the_site():
    listed = [path.parent / name for path in KUSTOMIZATIONS for name in YAML(typ="safe").load(path)["resources"]]
    assert sorted(listed) == MANIFESTS
    assert not any("namespace" in one["metadata"] for one in documents()), "an overlay for a second class sets it"
    renamed = {image["name"] for path in KUSTOMIZATIONS for image in YAML(typ="safe").load(path)["images"]}
    assert renamed == {name.rpartition(":")[0] for name in images()}


def test_namespaces_and_scheduler_go_by_the_names_that_the_values_use():
    spaces = {one["metadata"]["name"]: one["metadata"]["labels"] for one in documents() if one["kind"] == "Namespace"}
    assert set(spaces) == {YAML(typ="safe").load(path)["namespace"] for path in KUSTOMIZATIONS}
    assert spaces["crm"]["pod-security.kubernetes.io/enforce"] == "baseline"
    host, port = values()["hub"]["extraEnv"]["CRM_SCHEDULER"].removeprefix("tcp://").split(":")
    service, space = host.split(".")
    assert named("Service", service)["spec"]["ports"][0]["port"] == int(port)
    assert space in spaces


def pods() -> Iterator[dict[str, Any]]:
    for one in documents():
        if one["kind"] == "Deployment":
            yield one["spec"]["template"]["spec"]


def images() -> set[str]:
    found = {one["image"] for pod in pods() for one in [*pod["containers"], *pod.get("initContainers", [])]}
    hub, singleuser, puller = values()["hub"], values()["singleuser"], values()["prePuller"]
    plain = [hub["image"], singleuser["image"], *puller["extraImages"].values()]
    found |= {f"{image['name']}:{image['tag']}" for image in plain}
    return found | {hub["extraEnv"]["CRM_STAFF_IMAGE"], hub["initContainers"][0]["image"]}


def test_two_images_of_this_version_serve_everything():
    project = tomllib.loads((course_root() / "pyproject.toml").read_text("utf-8"))["project"]
    assert images() == {f"registry.example.edu/crm/{name}:{project['version']}" for name in ("student", "staff")}


def test_pods_of_the_manifests_have_no_privileges_either():
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 1000
        for one in [*pod["containers"], *pod.get("initContainers", [])]:
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert "memory" in one["resources"]["limits"]


def test_only_graders_may_build_walls_and_they_hold_nothing():
    (worker,) = (pod for pod in pods() if pod.get("hostUsers") is False)
    assert [one["securityContext"]["procMount"] for one in worker["containers"]] == ["Unmasked"]
    assert [volume["name"] for volume in worker["volumes"]] == ["tmp"]
    assert "secretKeyRef" not in json.dumps(worker)
    others = [pod for pod in pods() if pod is not worker and "hostUsers" not in pod]
    assert len(others) == 2
    for pod in others:
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_commands_of_the_manifests_are_programs_of_the_course():
    """`python -m MODULE`: the module is there."""
    modules = set()
    for pod in pods():
        for one in pod["containers"]:
            assert one["command"][:2] == ["python", "-m"]
            modules.add(one["command"][2])
    assert modules == {"course.desk", "course.exchange.receiver", "course.hub.book_server", "dask"}
    for module in modules - {"dask"}:
        path = course_root() / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_the_trial_of_the_walls_is_a_program_that_opens_a_room():
    (trial,) = (one for pod in pods() for one in pod.get("initContainers", []))
    python, option, program = trial["command"]
    assert (python, option) == ("python", "-c")
    assert [line.strip() for line in program.splitlines()][-1] == 'house.open("student", Limits()).leave()'
    compile(program, "trial", "exec")


def test_the_desk_is_told_what_the_hub_tells_its_own_services():
    desk = named("Deployment", "crm-desk")["spec"]["template"]
    told = {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in desk["spec"]["containers"][0]["env"]}
    assert told["JUPYTERHUB_API_TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "hub.services.desk.apiToken"}}
    assert told["CRM_DB_URL"] == {"secretKeyRef": {"name": "crm-gradebook", "key": "url"}}
    assert told["JUPYTERHUB_SERVICE_PREFIX"] == "/services/desk/"
    assert told["JUPYTERHUB_CLIENT_ID"] == "service-desk"
    assert told["CRM_SCHEDULER"] == values()["hub"]["extraEnv"]["CRM_SCHEDULER"]
    assert values()["hub"]["services"]["desk"]["url"] == "http://crm-desk:8080"
    assert desk["metadata"]["labels"]["hub.jupyter.org/network-access-hub"] == "true"


# ------------------------------------------------------------------------------------------------------------- secrets


def test_no_file_holds_a_secret():
    secret = re.compile(
        r"(password|passwd|secret|token|api_?key)\s*[:=]\s*[\"']?[^\s\"'{$<]{3,}|-----BEGIN|://[^\s/:@]+:[^\s/:@]+@",
        re.I,
    )
    allowed = re.compile(
        r"账号:密码@|existingSecret: crm-hub$|automountServiceAccountToken: false$|--from-file=hub.db.password="
    )
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    assert len(files) >= 11
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            assert not secret.search(line) or allowed.search(line.strip()), f"{path.name}: {line}"


def test_every_secret_is_named_in_the_instructions():
    text = (DEPLOY / "README.md").read_text("utf-8")
    for name in ("crm-hub", "crm-gradebook", "crm-tls"):
        assert re.search(rf"create secret \S+ {name}\b", text), name


# ------------------------------------------------------------------------------------------------------------ the image


def stages() -> dict[str, dict[str, list[list[str]]]]:
    """Stage -> instruction -> its words, in order; a stage has what the one it comes from has."""
    parser = DockerfileParser(fileobj=(DEPLOY / "Dockerfile").open("rb"))
    found: dict[str, dict[str, list[list[str]]]] = {}
    current: dict[str, list[list[str]]] = {}
    for step in parser.structure:
        words = step["value"].split()
        if step["instruction"] == "FROM":
            current = {key: list(entries) for key, entries in found.get(words[0], {}).items()}
            found[words[-1]] = current
        elif step["instruction"] not in ("ARG", "COMMENT"):
            current.setdefault(step["instruction"], []).append(words)
    return found


def copied(stage: str) -> set[str]:
    """What of the course's folder is copied into a stage."""
    entries = [words for words in stages()[stage]["COPY"] if not words[0].startswith("--from")]
    return {source for words in entries for source in words[:-1]}


FOR_PIP = {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0"}


def test_a_students_image_holds_what_the_walls_show_to_students_and_no_solution():
    assert copied("student") == set(walls.FOR_ALL) | FOR_PIP
    assert not copied("student") & {"assignments", "chapters", "book", "course.yml"}


def test_staffs_image_holds_what_the_walls_show_to_staff():
    assert copied("staff") == set(walls.FOR_ALL + walls.FOR_STAFF) | FOR_PIP | {"package.json", "package-lock.json"}


def test_everything_that_is_copied_is_there_and_goes_through_the_ignore_file():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert copied("staff") == let_in
    for name in copied("staff"):
        assert (course_root() / name).exists(), name


def test_packages_come_from_the_lock_with_hashes_and_from_nowhere_else():
    installs = [" ".join(words) for steps in stages().values() for words in steps.get("RUN", []) if "pip" in words]
    assert set(installs) == {
        "python -m pip install --require-hashes -r requirements.lock",
        "python -m pip install --no-deps --no-build-isolation -e . && python -m compileall -q crmlab autograder course",
    }
    assert "apt-get" not in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_images_run_without_root_from_a_base_with_a_version():
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.search(r"^ARG BASE=python:3\.11\.\d+-slim-bookworm$", text, re.M)
    for stage in ("student", "staff"):
        assert stages()[stage]["USER"][-1] == ["1000:1000"]


def test_paths_in_the_image_are_those_of_the_values():
    assert stages()["staff"]["WORKDIR"] == [["/srv/crm/course"]]
    told = values()["hub"]["extraEnv"]
    assert told["CRM_COURSE_ROOT"] == "/srv/crm/course"
    assert told["CRM_CLASSROOM"] == str(CLASSROOM.folder) == values()["hub"]["extraVolumeMounts"][0]["mountPath"]
    assert os.path.commonpath([told["CRM_COURSE_ROOT"], told["CRM_CLASSROOM"]]) == "/srv/crm", "one is not in the other"
