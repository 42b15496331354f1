"""login.toml, and what it makes of the hub's configuration."""

from pathlib import Path

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from course.hub.classroom import Classroom, write_private
from course.people import members, read_people
from course.people.authenticators import LtiByList, OAuthByList, claimed
from course.people.hub import configure
from course.people.settings import LoginSettings, login_settings
from crmlab.errors import CourseError

OAUTH = """method = "oauth"

[oauth]
authorize_url = "https://sso.example.edu.cn/authorize"
token_url = "https://sso.example.edu.cn/token"
userdata_url = "https://sso.example.edu.cn/userinfo"
client_id = "crm"
client_secret = "secret"
student_id = "student_number"
"""

LTI = """method = "lti"
trusted_proxies = ["10.1.2.3"]

[lti]
issuer = "https://moodle.example.edu.cn"
client_id = ["a", "b"]
authorize_url = "https://moodle.example.edu.cn/mod/lti/auth.php"
jwks_url = "https://moodle.example.edu.cn/mod/lti/certs.php"
"""


def write(classroom: Classroom, text: str) -> Path:
    path = classroom.secrets / "login.toml"
    write_private(path, text)
    return path


def configured(classroom: Classroom) -> Config:
    config = Config()
    configure(config, classroom)
    return config


def test_without_the_file_the_class_list_is_used(classroom: Classroom) -> None:
    assert login_settings(classroom) == LoginSettings()
    config = configured(classroom)
    assert config.JupyterHub.authenticator_class == "course.people.authenticators.ListAuthenticator"
    assert config.ByClassList.folder == str(classroom.folder)
    assert (config.Authenticator.admin_users, config.JupyterHub.trusted_downstream_ips) == (set(), [])


def test_oauth_is_configured(classroom: Classroom) -> None:
    write(classroom, OAUTH)
    config = configured(classroom)
    assert config.JupyterHub.authenticator_class == "course.people.authenticators.OAuthByList"
    assert (config.OAuthByList.client_id, config.OAuthByList.client_secret) == ("crm", "secret")
    assert (config.ByClassList.claim, config.ByClassList.enrol) == (["student_number"], False)
    assert config.ByClassList.school == "学校统一身份认证"


def test_lti_is_configured(classroom: Classroom) -> None:
    write(classroom, LTI)
    config = configured(classroom)
    assert config.JupyterHub.authenticator_class == "course.people.authenticators.LtiByList"
    assert config.LtiByList.client_id == {"a", "b"}
    assert config.ByClassList.claim == ["https://purl.imsglobal.org/spec/lti/claim/lis", "person_sourcedid"]
    assert config.JupyterHub.trusted_downstream_ips == ["10.1.2.3"]


def test_behind_a_web_server_of_this_machine_its_word_counts(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_BEHIND_PROXY", "1")
    assert configured(classroom).ListAuthenticator.trusted_proxies == ["127.0.0.1", "::1"]


def test_roles_of_other_packages_stay(classroom: Classroom) -> None:
    config = Config()
    config.JupyterHub.load_roles = [{"name": "other"}]
    configure(config, classroom)
    assert [role["name"] for role in config.JupyterHub.load_roles] == ["other", "user", "staff"]


def test_faults_are_told_with_their_lines(classroom: Classroom) -> None:
    text = OAUTH.replace("https://sso.example.edu.cn/token", "http://sso.example.edu.cn/token")
    text = text.replace('client_id = "crm"', "client_id = 7").replace("student_id", "studentid") + "enrol = 1\n"
    path = write(classroom, text)
    with pytest.raises(CourseError) as caught:
        login_settings(classroom)
    assert sorted(str(caught.value).splitlines()) == sorted(
        [
            f"{path} 第 3 行「oauth.student_id」：缺少这一项。",
            f"{path} 第 9 行「oauth.studentid」：没有这一项，请检查拼写。",
            f"{path} 第 10 行「oauth.enrol」：值不对，应当是另一种写法，例如文字加引号、开关写 true 或 false、多项写在方括号里。",
            f"{path} 第 5 行「oauth.token_url」：要写完整的 https 地址（只有本机可以用 http）。",
            f"{path} 第 7 行「oauth.client_id」：值不对，应当是另一种写法，例如文字加引号、开关写 true 或 false、多项写在方括号里。",
        ]
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('method = "ldap"', "第 1 行「method」：只能是 'list', 'oauth', 'lti'。"),
        ('method = "oauth"', "第 1 行「method」：选了这种登录方式，就要写它的一节"),
        ("method = ", "不是正确的 TOML"),
        (OAUTH + 'section = "营销一班"\n', "第 10 行「oauth.section」：教学班编号"),
        ('trusted_proxies = ["nginx"]', "第 1 行「trusted_proxies」：值不对"),
    ],
)
def test_each_fault_has_its_sentence(classroom: Classroom, text: str, sentence: str) -> None:
    write(classroom, text)
    with pytest.raises(CourseError) as caught:
        login_settings(classroom)
    assert sentence in str(caught.value)


def test_a_file_that_others_can_read_is_refused(classroom: Classroom) -> None:
    write(classroom, OAUTH).chmod(0o640)
    with pytest.raises(CourseError, match="chmod 600"):
        login_settings(classroom)


# --- from the school to the class list --------------------------------------------------------------------------------


def test_a_student_number_is_found_on_its_way() -> None:
    assert claimed({"a": {"b": " 2023001 "}}, ["a", "b"]) == " 2023001 "
    assert claimed({"n": 2023001}, ["n"]) == "2023001"


@pytest.mark.parametrize(
    "claims", [{}, {"n": ""}, {"n": True}, {"n": 1.5}, {"n": ["1"]}, {"n": None}, "n", {"n": "a/b"}]
)
def test_nothing_else_is_taken_for_a_student_number(claims: object) -> None:
    with pytest.raises(HTTPError) as caught:
        claimed(claims, ["n"])
    assert caught.value.status_code == 403


@pytest.mark.parametrize("kind", [OAuthByList, LtiByList])
def test_with_enrol_a_stranger_joins_as_a_student_and_the_removed_stay_out(classroom: Classroom, kind: type) -> None:
    members.add(classroom, "gone", "", "instructor", ["crm"])
    members.remove(classroom, ["gone"])
    log_in = kind(folder=str(classroom.folder), enrol=True, section="crm-2")
    assert log_in.check_allowed("2023555", {})
    person = read_people(classroom)["2023555"]
    assert (person.role, person.sections) == ("student", ("crm-2",))
    with pytest.raises(HTTPError):
        log_in.check_allowed("gone", {})
    assert list(read_people(classroom)) == ["2023555"]


def test_without_enrol_a_stranger_stays_out(classroom: Classroom) -> None:
    log_in = OAuthByList(folder=str(classroom.folder))
    with pytest.raises(HTTPError, match="账号 2023555 不在班级名单里，请联系老师。"):
        log_in.check_allowed("2023555", {})
    assert not log_in.check_allowed("2023555")
    assert read_people(classroom) == {}
