"""The 20 columns of the fraud model (`FRAUD_FEATURES` in edgepos-inference) for a table of payments.

The table has `customer`, `terminal`, `seconds` (since a Monday's midnight), `amount`, `fraud`, and where they are known `cnp` and
the places `bill_lat`, `bill_long`, `ship_lat`, `ship_long`, `term_lat`, `term_long`. Needs NumPy and pandas.
"""
import numpy as np

FEATURES = [
    "log_amount", "is_cnp", "hour_sin", "hour_cos", "is_night", "is_weekend", "dist_bill_ship", "dist_bill_term",
    "cust_n_1d", "cust_mean_1d", "cust_n_7d", "cust_mean_7d", "cust_n_30d", "cust_mean_30d", "secs_since_cust",
    "ratio_mean_30d", "term_n_7d", "term_risk_7d", "term_risk_30d", "amount",
]
DAY = 86400
WEEK = 7 * DAY


def haversine(from_lat, from_long, to_lat, to_long):
    from_lat, from_long, to_lat, to_long = map(np.radians, (from_lat, from_long, to_lat, to_long))
    chord = np.sin((to_lat - from_lat) / 2) ** 2
    chord += np.cos(from_lat) * np.cos(to_lat) * np.sin((to_long - from_long) / 2) ** 2
    return 6371 * 2 * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))


class Windows:
    """Sums over the last days of a group, the payment itself included, for all payments at once."""

    def __init__(self, group, seconds):
        self.order = np.lexsort((np.arange(len(group)), seconds, group))
        # One axis for all groups, with more than the longest window between them.
        self.axis = group[self.order] * (int(seconds.max()) + 100 * DAY) + seconds[self.order]

    def starts(self, days):
        """Where the window of each payment begins: later than so many days ago."""
        return np.searchsorted(self.axis, self.axis - int(days * DAY), side="right")

    def place(self, values):
        """Back in the order of the table."""
        placed = np.empty(len(values))
        placed[self.order] = values
        return placed

    def sums(self, values):
        return np.concatenate([[0], np.cumsum(values[self.order])])


def features(table):
    """The columns as 32-bit floats, one row for each payment of the table."""
    n = len(table)
    column = lambda name, otherwise: table[name].to_numpy() if name in table else np.full(n, otherwise)
    amount, seconds = table.amount.to_numpy(float), table.seconds.to_numpy(np.int64)
    hour = seconds % DAY / 3600
    made = {
        "log_amount": np.log1p(amount), "amount": amount, "is_cnp": column("cnp", 0),
        "hour_sin": np.sin(hour * 2 * np.pi / 24), "hour_cos": np.cos(hour * 2 * np.pi / 24),
        "is_night": hour < 6, "is_weekend": seconds // DAY % 7 >= 5,
    }
    nowhere = np.nan
    bill, ship, term = ([column(f"{place}_{axis}", nowhere).astype(float) for axis in ("lat", "long")]
                        for place in ("bill", "ship", "term"))
    made["dist_bill_ship"] = np.nan_to_num(haversine(*bill, *ship))
    made["dist_bill_term"] = np.nan_to_num(haversine(*bill, *term))

    own = Windows(np.unique(table.customer, return_inverse=True)[1], seconds)
    place, paid = np.arange(n), own.sums(amount)
    for days in (1, 7, 30):
        start = own.starts(days)
        made[f"cust_n_{days}d"] = own.place(place + 1 - start)
        made[f"cust_mean_{days}d"] = own.place((paid[place + 1] - paid[start]) / (place + 1 - start))
    since = np.concatenate([[WEEK], np.diff(own.axis)])
    made["secs_since_cust"] = own.place(np.clip(since, 0, WEEK))
    made["ratio_mean_30d"] = amount / np.maximum(made["cust_mean_30d"], 1e-9)

    here = Windows(np.unique(table.terminal, return_inverse=True)[1], seconds)
    frauds = here.sums(table.fraud.to_numpy(float))
    lately = here.starts(7)
    made["term_n_7d"] = here.place(place + 1 - lately)
    # Without the last week: a till cannot know yet which of its payments were fraud.
    for name, days in (("term_risk_7d", 14), ("term_risk_30d", 37)):
        start = here.starts(days)
        made[name] = here.place((frauds[lately] - frauds[start]) / np.maximum(1, lately - start))
    return np.column_stack([np.asarray(made[name], np.float32) for name in FEATURES])
