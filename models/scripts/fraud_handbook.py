"""The transaction simulator of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot, Bontempi 2022, chapter 3), written anew
from its description: 5,000 customers and 10,000 terminals on a square of 100 × 100, each customer at the terminals within 5, with
normally distributed amounts and times. Fraud: every amount above 220; two terminals a day, for 28 days; three customers a day, of
whose payments of the next 14 days a third cost five times as much.
"""
import numpy as np
import pandas as pd

DAY = 86400


def payments(days, seed, customers=5000, terminals=10000, radius=5):
    rng = np.random.default_rng(seed)
    at, stands = rng.uniform(0, 100, (customers, 2)), rng.uniform(0, 100, (terminals, 2))
    mean, often = rng.uniform(5, 100, customers), rng.uniform(0, 4, customers)
    tables = []
    for customer in range(customers):
        near = np.flatnonzero(((stands - at[customer]) ** 2).sum(1) < radius ** 2)
        count = rng.poisson(often[customer], days)
        day = np.repeat(np.arange(days), count)
        second = rng.normal(DAY / 2, 20000, len(day))
        day, second = day[(second > 0) & (second < DAY)], second[(second > 0) & (second < DAY)]
        if not len(near) or not len(day):
            continue
        amount = rng.normal(mean[customer], mean[customer] / 2, len(day))
        amount = np.where(amount < 0, rng.uniform(0, 2 * mean[customer], len(day)), amount)
        tables.append(pd.DataFrame({"customer": customer, "terminal": rng.choice(near, len(day)), "day": day,
                                    "seconds": day * DAY + second.astype(np.int64), "amount": np.round(amount, 2)}))
    table = pd.concat(tables).sort_values("seconds", kind="stable").reset_index(drop=True)
    scenario = np.where(table.amount > 220, 1, 0)
    day, terminal, customer = table.day.to_numpy(), table.terminal.to_numpy(), table.customer.to_numpy()
    amount = table.amount.to_numpy().copy()
    for first in range(days):
        bad = np.isin(terminal, rng.choice(terminals, 2, replace=False)) & (day >= first) & (day < first + 28)
        scenario[bad] = 2
        own = np.flatnonzero(np.isin(customer, rng.choice(customers, 3, replace=False)) & (day >= first) & (day < first + 14))
        hit = rng.choice(own, len(own) // 3, replace=False)
        amount[hit] *= 5
        scenario[hit] = 3
    return table.assign(amount=amount, scenario=scenario, fraud=(scenario > 0).astype(int))
