"""Payments to train the fraud model on, from two public generators and one of our own, with amounts of retail baskets.

    pip install synccfd==0.1.0 finforge==3.0.0 pandas==3.1.1 pyarrow numpy==2.4.6
    python fraud_data.py DIRECTORY        # writes synccfd.parquet, finforge.parquet and shop.parquet: half an hour

synccfd (MIT) simulates cards, tills and places: an amount above 220 is fraud there whoever pays it, which no shop can use, so those
payments count as honest. finforge (MIT) simulates what people of several kinds buy, and bursts of payments with a stolen card.
"""
import pathlib
import sys

import numpy as np
import pandas as pd

DAY = 86400
EVERYDAY = ["coffee", "dining", "food", "fuel", "groceries", "healthcare", "meals", "shopping", "entertainment", "travel"]


def synccfd(target):
    from synccfd import DatasetGenerator

    generator = DatasetGenerator(n_customers=1200, n_terminals=1500, nb_days=75, start_date="2025-01-01", random_state=7)
    _, _, made = generator.generate()
    pd.DataFrame({
        # It starts on a Wednesday.
        "seconds": made.TX_TIME_SECONDS + 2 * DAY,
        "customer": made.CUSTOMER_ID, "terminal": made.TERMINAL_ID, "amount": made.TX_AMOUNT,
        "cnp": (made.TX_TYPE == "CNP").astype(int), "scenario": made.TX_FRAUD_SCENARIO,
        "fraud": (made.TX_FRAUD_SCENARIO > 1).astype(int),
        "bill_lat": made.TX_BILL_LAT, "bill_long": made.TX_BILL_LONG, "ship_lat": made.TX_SHIPP_LAT,
        "ship_long": made.TX_SHIPP_LONG, "term_lat": made.TX_TERM_LAT, "term_long": made.TX_TERM_LONG,
    }).to_parquet(target)


def finforge(target):
    from finforge import DatasetGenerator

    types = ["card_fraud", "account_takeover"]
    made = DatasetGenerator(seed=43).with_users(200).with_persona("mixed").for_months(4).with_fraud(rate=0.02, types=types).generate()
    made = made[(made.transaction_type == "debit") & (made.is_fraud | made.category.isin(EVERYDAY))]
    rng = np.random.default_rng(43)
    user = np.unique(made.user_id, return_inverse=True)[1]
    seconds = (made.timestamp - pd.Timestamp("2025-12-29")).dt.total_seconds().astype(np.int64)
    pd.DataFrame({
        "customer": user, "seconds": seconds, "amount": made.amount.abs(), "fraud": made.is_fraud.astype(int),
        # It knows merchants and no tills: everybody has three.
        "terminal": (user * 7 + rng.integers(0, 3, len(made))) % 40,
    }).to_parquet(target)


def baskets(rng, customers, mean_days, days):
    """Visits of households to one store: mostly small baskets, now and then a big one, now and then twice a day."""
    rows = []
    for customer in range(customers):
        usual = rng.lognormal(np.log(20), 0.6)
        spread, big_share, gap = rng.uniform(0.5, 1.1), rng.uniform(0.05, 0.35), rng.gamma(1.5, mean_days / 1.5) + 0.4
        at = rng.uniform(0, gap)
        while at < days:
            second = np.clip(rng.normal(15, 3.5), 7, 21.9) * 3600
            for _ in range(1 + (rng.random() < 0.08)):
                amount = rng.lognormal(np.log(usual), spread) * (rng.uniform(2, 10) if rng.random() < big_share else 1)
                rows.append((customer, int(at) * DAY + int(min(second, DAY - 1)), round(min(amount, 900), 2)))
                second += rng.uniform(600, 20000)
            at += rng.exponential(gap)
    return pd.DataFrame(rows, columns=["customer", "seconds", "amount"])


def shop(target, seed=11, customers=8000):
    """A store with six tills over 150 days, in which one card of a hundred is stolen."""
    rng = np.random.default_rng(seed)
    made = baskets(rng, customers, 9, 150)
    made["terminal"], made["fraud"] = rng.integers(0, 6, len(made)), 0
    habit = made.groupby("customer").amount.mean()
    stolen = []
    for customer in rng.choice(customers, customers // 100, replace=False):
        first = int(rng.integers(30, 145)) * DAY + int(rng.integers(9, 21)) * 3600
        usual = habit.get(customer, 25.0)
        times = first + np.cumsum(rng.integers(300, 5400, int(rng.integers(2, 7))))
        stolen += [(customer, int(when), round(min(usual * rng.uniform(3, 8), 1500), 2), int(rng.integers(0, 6)), 1) for when in times]
    made = pd.concat([made, pd.DataFrame(stolen, columns=["customer", "seconds", "amount", "terminal", "fraud"])])
    made.sort_values("seconds", kind="stable").reset_index(drop=True).to_parquet(target)


def retail_amounts(table, rng):
    """The same payments with skewed amounts around each customer's habit; a stolen card still pays five times as much."""
    table = table.copy()
    customers = int(table.customer.max()) + 1
    habit, spread = rng.lognormal(np.log(24), 0.6, customers), rng.uniform(0.25, 0.7, customers)
    drawn = rng.lognormal(np.log(habit[table.customer]), spread[table.customer])
    table["amount"] = np.round(np.minimum(drawn * np.where(table.scenario >= 3, 5, 1), 2000), 2)
    return table


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for make in (shop, finforge, synccfd):
        if not (directory / f"{make.__name__}.parquet").exists():
            make(directory / f"{make.__name__}.parquet")
