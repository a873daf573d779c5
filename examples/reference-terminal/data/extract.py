#!/usr/bin/env python3
"""Cuts one ISO week, and the products sold in it, out of the year of one store.

    extract.py TRANSACTIONS.csv PRODUCTS.csv [YEAR WEEK]

writes week.csv and products.csv beside this script. README.md says where the year comes from.
"""

import csv
import datetime
import pathlib
import sys


def main() -> None:
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    transactions, products = sys.argv[1:3]
    wanted = tuple(map(int, sys.argv[3:])) or (2017, 22)
    here = pathlib.Path(__file__).parent

    with open(transactions, newline="") as source:
        reader = csv.reader(source)
        header = next(reader)
        at, product = header.index("timestamp"), header.index("product_id")
        week = [
            row
            for row in reader
            if tuple(datetime.datetime.fromisoformat(row[at]).isocalendar())[:2] == wanted
        ]
    if not week:
        sys.exit(f"no line of {transactions} is in ISO week {wanted[1]} of {wanted[0]}")
    write(here / "week.csv", header, week)

    sold = {row[product] for row in week}
    with open(products, newline="") as source:
        reader = csv.reader(source)
        header = next(reader)
        known = [row for row in reader if row[0] in sold]
    write(here / "products.csv", header, known)
    print(f"{len(week)} lines, {len(sold)} products, {len(sold) - len(known)} of them not in the product list")


def write(path: pathlib.Path, header: list[str], rows: list[list[str]]) -> None:
    with open(path, "w", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main()
