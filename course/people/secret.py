"""Passwords and invitation codes: making, hashing, comparing, and which passwords are too easy."""

import hashlib
import hmac
import secrets
import time

from course.people.model import Invitation, Secret
from crmlab.i18n import _

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0, 1: passwords and codes are read from paper."""
PASSWORD_LENGTH = 14
CODE_LENGTH = 16
"""31 characters to the power of 16: 79 bits, so that a fast hash is enough and a class of 500 is invited at once."""
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
SHORTEST, LONGEST = 10, 200
EASIEST = 2
"""Least score of zxcvbn (0 to 4): what stands guessing at a limited rate. Offline guessing is scrypt's concern."""

DAYS = 14
COURSE_WORDS = ("crm", "jupyter", "jupyterhub", "classroom", "kehu", "guanxi", "guanli", "student", "teacher")
PINYIN_WORDS = (
    "woaini",
    "5201314",
    "1314520",
    "1314",
    "mima",
    "zhongguo",
    "beijing",
    "xuesheng",
    "laoshi",
    "woaiwojia",
)
"""What zxcvbn's lists, made from English and leaked passwords, don't have and Chinese students do."""

NOBODY = Secret("00" * 16, "00" * SCRYPT["dklen"])


def random_password() -> str:
    """A password that can be read from paper and typed."""
    return "".join(secrets.choice(ALPHABET) for _place in range(PASSWORD_LENGTH))


def hashed(password: str) -> Secret:
    salt = secrets.token_hex(16)
    return Secret(salt, _scrypt(password, salt))


def matches(password: str, secret: Secret | None) -> bool:
    """Whether it is the password. Takes as long if there is none to compare with."""
    known = secret or NOBODY
    usable = len(password) <= LONGEST
    right = hmac.compare_digest(_scrypt(password if usable else "", known.salt), known.hash)
    return right and usable and secret is not None


def fault_in_password(password: str, name: str, title: str) -> str | None:
    """Why the person should not take this password, in a sentence; None if it will do."""
    if len(password) < SHORTEST:
        return _("密码太短：至少 {least} 个字符，现在是 {length} 个。").format(least=SHORTEST, length=len(password))
    if len(password) > LONGEST:
        return _("密码太长：最多 {most} 个字符。").format(most=LONGEST)
    own = [part for part in (name, title) if part]
    if any(part.lower() in password.lower() for part in own if len(part) >= 2):
        return _("密码里不要出现账号或姓名。")
    from zxcvbn import zxcvbn  # its word lists take a while

    guess = zxcvbn(password[:72], user_inputs=[*own, *COURSE_WORDS, *PINYIN_WORDS])
    if guess["score"] < EASIEST:
        return _("这个密码太容易猜到；请避开常用密码、重复、连号和键盘上相邻的键，例如用几个不相干的词连在一起。")
    return None


def new_code() -> str:
    """``abcd-efgh-jkmn-pqrs``."""
    code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def invitation(code: str, days: float = DAYS) -> Invitation:
    return Invitation(_digest(code), time.time() + days * 86400)


def code_is_good(code: str, known: Invitation | None) -> bool:
    """Whether it is the code and has not expired. Blanks, hyphens and upper case don't matter."""
    right = hmac.compare_digest(_digest(code), known.digest if known else _digest(""))
    return right and known is not None and time.time() < known.expires


def _digest(code: str) -> str:
    plain = "".join(character for character in code.lower()[:100] if character.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _scrypt(password: str, salt: str) -> str:
    # "surrogatepass": a browser may send anything, and a hash must come out of it all the same.
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=bytes.fromhex(salt), **SCRYPT).hex()
