"""Receipts: what the class says about a submission, so that nobody can change it and everybody can check it.

A receipt is kept twice: with the submission, for the staff (``received/<section>/.receipts``), and for the student,
as JSON for programs and as a text for people. Each form is signed with the key of the class (HMAC-SHA256). Who has no
key can make neither; who has it can check a text that came by mail.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from course.exchange.boxes import opened
from course.exchange.contents import MIB, Unacceptable, read_folder
from course.exchange.naming import TIME
from course.hub.classroom import Classroom
from crmlab.errors import CourseError
from crmlab.i18n import _

BEIJING = timezone(timedelta(hours=8))
SHOWN_FILES = 20
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No I, L, O, U: a number is read from paper."""
_NUMBER = re.compile(rf"[{_LETTERS}]{{4}}(-[{_LETTERS}]{{4}}){{2}}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class Receipt(Struct, frozen=True, kw_only=True):
    """What happened to one folder of a drop box.

    Attributes:
        number: "7KQ2-M4XD-9TRP"; the same whenever the same folder with the same contents is taken in again.
        student: whose drop box it was. title: the name on the class list, "" if unknown.
        time: when it was handed in, as nbgrader writes it, UTC. due: the due date then, "" if there was none.
        late: None if there was no due date.
        digest: SHA-256 of all names and contents.
        files: name and size in bytes.
        box: the folder's name in the drop box. folder: its name in ``received/<section>/``, "" if it was refused.
        notes: what else the student should know.
        refused: why it was not taken in; "" if it was.
    """

    number: str
    section: str
    student: str
    title: str
    assignment: str
    time: str
    due: str = ""
    late: bool | None = None
    digest: str = ""
    files: tuple[tuple[str, int], ...] = ()
    box: str
    folder: str = ""
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.strptime(self.time, TIME).replace(tzinfo=UTC)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _name, size in self.files)


class _Signed(Struct):
    receipt: msgspec.Raw
    signature: str


# --- making ----------------------------------------------------------------------------------------------------------


def read_key(classroom: Classroom) -> bytes:
    """The key of the class.

    Raises:
        CourseError: this process may not read it; only the account that runs the class may, outside all walls.
    """
    try:
        key = classroom.receipt_key.read_bytes().strip()
    except OSError:
        key = b""
    if not key:
        raise CourseError(
            _("读不到签发回执的密钥 {file}；收取和核对提交，要用运行课堂的账号，在课堂的机器上做。").format(
                file=classroom.receipt_key
            )
        )
    return key


def number_of(key: bytes, *facts: str) -> str:
    """The number that belongs to these facts: 60 bits, so that no two of a class are ever alike."""
    total = int(_sign(key, b"number", "\0".join(facts).encode("utf-8", "surrogateescape")), 16)
    letters = "".join(_LETTERS[total >> shift & 31] for shift in range(0, 60, 5))
    return "-".join(letters[place : place + 4] for place in (0, 4, 8))


def as_json(key: bytes, receipt: Receipt) -> bytes:
    """The signed receipt for programs."""
    content = msgspec.json.encode(receipt, order="sorted")
    return msgspec.json.encode(_Signed(msgspec.Raw(content), _sign(key, b"json", content)))


def read_json(content: bytes, key: bytes | None = None) -> Receipt:
    """The receipt in ``content``. Without a key its signature is not looked at: that is for a student's own copy.

    Raises:
        ValueError: it is none, or its signature is wrong.
    """
    signed = msgspec.json.decode(content, type=_Signed)
    if key is not None and not hmac.compare_digest(_sign(key, b"json", bytes(signed.receipt)), signed.signature):
        raise ValueError("wrong signature")
    return msgspec.json.decode(signed.receipt, type=Receipt)


def as_text(key: bytes, receipt: Receipt) -> str:
    """The signed receipt for people."""
    text = "\n".join(_lines(receipt))
    closing = _("以上内容由课堂签发，改动一个字，签名就对不上。教师核对：course receipt {number}").format(
        number=receipt.number
    )
    return f"{text}\n{_label()}{_sign(key, b'text', _essence(text))}\n\n{closing}\n"


def _lines(receipt: Receipt) -> list[str]:
    title = _("（{title}）").format(title=receipt.title) if receipt.title else ""
    lines = [
        _("没有收下的提交") if receipt.refused else _("提交回执"),
        "",
        _("编号：{number}").format(number=receipt.number),
        _("学生：{student}{title}").format(student=receipt.student, title=title),
        _("教学班：{section}").format(section=receipt.section),
        _("作业：{assignment}").format(assignment=receipt.assignment or "-"),
        _("提交时间：{time}（北京时间）").format(time=shown_time(receipt.time)),
    ]
    if receipt.refused:
        return [*lines, _("原因：{reason}").format(reason=receipt.refused), ""]
    if receipt.due:
        lines.append(_("截止时间：{due}，{verdict}").format(due=shown_time(receipt.due), verdict=_verdict(receipt)))
    lines.append(_("文件：{count} 个，共 {size}").format(count=len(receipt.files), size=shown_size(receipt.size)))
    lines += [f"  {name}　{shown_size(size)}" for name, size in receipt.files[:SHOWN_FILES]]
    if len(receipt.files) > SHOWN_FILES:
        lines.append(_("  …… 其余 {count} 个").format(count=len(receipt.files) - SHOWN_FILES))
    lines += [_("说明：{note}").format(note=note) for note in receipt.notes]
    return [*lines, _("内容指纹（SHA-256）：{digest}").format(digest=receipt.digest), ""]


def _verdict(receipt: Receipt) -> str:
    if not receipt.late:
        return _("按时")
    due = datetime.strptime(receipt.due, TIME).replace(tzinfo=UTC)
    minutes = -(-(receipt.moment - due).total_seconds() // 60)
    days, rest = divmod(int(minutes), 24 * 60)
    return _("迟交 {days} 天 {hours} 小时 {minutes} 分").format(days=days, hours=rest // 60, minutes=rest % 60)


def shown_time(time: str) -> str:
    """A time of nbgrader's as people in China read it."""
    moment = datetime.strptime(time, TIME).replace(tzinfo=UTC)
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def shown_size(size: int) -> str:
    return f"{size / MIB:.1f} MB" if size >= MIB else f"{size / 1024:.1f} KB"


def _label() -> str:
    return _("签名：")


def _sign(key: bytes, purpose: bytes, content: bytes) -> str:
    return hmac.new(key, purpose + b"\0" + content, hashlib.sha256).hexdigest()


def _essence(text: str) -> bytes:
    """What of a text is signed: not its empty lines and white space, which mail and word processors change."""
    lines = ("".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line).encode("utf-8", "surrogateescape")


# --- keeping ---------------------------------------------------------------------------------------------------------


def kept_file(classroom: Classroom, number: str) -> Path:
    """The staff's copy of a receipt."""
    return classroom.received / ".receipts" / f"{number}.json"


def kept(classroom: Classroom, number: str, key: bytes | None = None) -> Receipt | None:
    """The staff's copy of a receipt; None if there is none.

    Raises:
        ValueError: it is damaged, or, if a ``key`` is given, not signed with it.
    """
    try:
        content = kept_file(classroom, number).read_bytes()
    except FileNotFoundError:
        return None
    return read_json(content, key)


def issued_to(classroom: Classroom, student: str) -> list[Receipt]:
    """The receipts and refusals in the student's folder, oldest first. Signatures are not looked at."""
    found = []
    for file in classroom.receipts_of(student).glob("*.json"):
        try:
            found.append(read_json(file.read_bytes()))
        except (OSError, ValueError):
            continue  # replaced meanwhile, or laid there by its owner
    return sorted(found, key=lambda receipt: receipt.time)


def file_name(receipt: Receipt) -> str:
    """Its name in the student's folder, without ending. Refusals are told apart: only some of them are kept."""
    return f"refused-{receipt.number}" if receipt.refused else receipt.number


# --- checking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """Whether a receipt is genuine, in one sentence; and the class's own copy of it, if there is one."""

    genuine: bool
    sentence: str
    receipt: Receipt | None = None


def verify(classroom: Classroom, text_or_number: str) -> Verdict:
    """Whether a receipt, or the one with this number, is this class's, in any of its sections.

    Raises:
        CourseError: the key can't be read.
    """
    key, text = read_key(classroom), text_or_number.strip()
    number = _number_in(text)
    if number is None:
        return Verdict(False, _("这里没有回执编号；编号的样子是 7KQ2-M4XD-9TRP。"))
    try:
        room, own = _find(classroom, number, key)
    except ValueError:
        return Verdict(False, _("编号 {number} 的存根被改动过或已损坏；请从备份恢复它。").format(number=number))
    if len(text) > 2 * len(number) and not _is_signed(text, key):
        sentence = _("这份回执不是真的：签名和内容对不上。")
        if own is not None:
            sentence += _("编号 {number} 的回执确实有，原来的内容见下。").format(number=number)
        return Verdict(False, sentence, own)
    if own is None:
        return _without_copy(number, len(text) > 2 * len(number))
    return Verdict(True, _state(room, own), own)


def _without_copy(number: str, signed: bool) -> Verdict:
    if not signed:
        return Verdict(False, _("没有编号为 {number} 的回执；请核对编号。").format(number=number))
    return Verdict(
        True,
        _("签名是真的，但这里没有编号 {number} 的存根：它或者是“没有收下”的通知，或者签发之后恢复过旧的备份。").format(
            number=number
        ),
    )


def _number_in(text: str) -> str | None:
    """The first number in ``text``, letters that look alike read as the ones meant."""
    if found := _NUMBER.search(text):
        return found[0]
    guess = text.upper().translate(str.maketrans("OIL", "011"))
    return guess if _NUMBER.fullmatch(guess) else None


def _find(classroom: Classroom, number: str, key: bytes) -> tuple[Classroom, Receipt | None]:
    for section in dict.fromkeys((classroom.section, *classroom.sections())):
        room = classroom.of(section)
        if (receipt := kept(room, number, key)) is not None:
            return room, receipt
    return classroom, None


def _is_signed(text: str, key: bytes) -> bool:
    """Whether a receipt, in either form, carries the right signature."""
    if text.startswith("{"):
        try:
            read_json(text.encode(), key)
        except (ValueError, UnicodeError):
            return False
        return True
    body, label, rest = text.rpartition(_label())
    signature = _SIGNATURE.match("".join(rest.split()))
    return bool(label and signature) and hmac.compare_digest(
        _sign(key, b"text", _essence(body)), signature[0] if signature else ""
    )


def _state(room: Classroom, receipt: Receipt) -> str:
    """What became of the submission that the receipt is about."""
    facts = {
        "number": receipt.number,
        "student": receipt.student + (_("（{title}）").format(title=receipt.title) if receipt.title else ""),
        "time": shown_time(receipt.time),
        "assignment": receipt.assignment,
        "folder": room.received / receipt.folder,
    }
    said = _("回执 {number} 是真的：{student} 于 {time} 提交 {assignment}，").format(**facts)
    try:
        with opened(room.received / receipt.folder) as folder:
            same = read_folder(folder).digest == receipt.digest
    except (OSError, Unacceptable):
        return said + _("但保存的那份提交 {folder} 不见了或读不出来；请从备份恢复它。").format(**facts)
    return said + (_("保存的内容与回执一致。") if same else _("但保存的内容 {folder} 后来被改动过。").format(**facts))
