"""The one message catalogue of the packages.

Chinese is the source language: a message stands in the code as students read it, wrapped in ``_()``.
``crmlab/locale/crm.pot`` lists all of them (``course messages`` rewrites it). Another language is a file
``crmlab/locale/<language>/LC_MESSAGES/crm.mo`` and the environment variable ``CRM_LANGUAGE``; no code changes.
"""

import gettext
import os
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
DOMAIN = "crm"

_catalogue = gettext.translation(DOMAIN, LOCALE_DIR, languages=[os.environ.get("CRM_LANGUAGE", "zh_CN")], fallback=True)


def _(message: str) -> str:
    """The message in the language of this process."""
    return _catalogue.gettext(message)
