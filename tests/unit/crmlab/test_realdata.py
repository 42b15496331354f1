"""Real data from wheels: what is published about them, and what happens without the extra."""

import pandas as pd
import pytest

from crmlab import realdata
from crmlab.errors import CourseError


def test_cdnow() -> None:
    orders = realdata.cdnow()
    assert list(orders) == ["customer_id", "date", "quantity", "amount"]
    assert len(orders) == 6919
    assert orders["date"].min() == pd.Timestamp("1997-01-01")
    assert orders.groupby("customer_id")["date"].min().max() == pd.Timestamp("1997-03-25")


def test_complete_journey() -> None:
    lines = realdata.complete_journey()
    assert len(lines) == 1_469_307
    assert lines["household_id"].nunique() == 2469
    assert len(realdata.complete_journey("campaign_descriptions")) == 27
    with pytest.raises(CourseError, match=r"table 应是 transactions、.*之一，现在是 'lines'"):
        realdata.complete_journey("lines")


def test_telco() -> None:
    table = realdata.telco_churn()
    assert table.shape == (7043, 20)
    assert table["churn"].sum() == 1869
    assert table["tenure"].max() == 72


def test_bank_calls() -> None:
    table = realdata.bank_calls()
    assert table["time"].dt.date.nunique() == 164
    assert table["time"].dt.hour.min() == 7
    assert (table["time"].dt.dayofweek < 5).all()


def test_credit_data() -> None:
    table = realdata.credit_data()
    assert len(table) == 4454
    assert {"seniority", "home", "income", "status"} <= set(table)


@pytest.mark.parametrize("load", [realdata.cdnow, realdata.complete_journey, realdata.telco_churn])
def test_without_the_extra(load: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realdata, "find_spec", lambda _name: None)
    with pytest.raises(CourseError, match=r"没有安装真实数据（缺少 \w+）：.*real-data"):
        load()  # type: ignore[operator]
