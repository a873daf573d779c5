"""A till in Python: sells, takes back, asks again after a crash, prints a receipt, reads notices.

    python3 till.py CONFIG STEP...

The steps are those of examples/c/till.c.
"""

import json
import os
import signal
import sys

import edgepos

PRODUCT = "4006381333931"
PRICE = 129


def name(no: int, kind: str) -> str:
    """A till draws its names at random, and writes the key down before it asks. Here both follow from the number of the basket."""
    return f"{kind}{no:031x}"


def begin(node: edgepos.Node, basket: str, doc_type: str, quantity: int, **more: object) -> int:
    """Whatever may be refused is refused here, before the customer pays."""
    line = {"no": 1, "product": PRODUCT, "quantity": quantity, "unit_price": PRICE, "amount": quantity * PRICE, **more}
    return node.begin({"basket": basket, "doc_type": doc_type, "currency": "EUR", "lines": [line]})["total"]


def commit(node: edgepos.Node, basket: str, key: str, amount: int) -> edgepos.Committed:
    """Asked again with the same key, the sale is booked once and has one receipt."""
    return node.commit({"basket": basket, "key": key, "tenders": [{"kind": "cash", "amount": amount}]})


def sell(node: edgepos.Node, no: int, step: str) -> None:
    basket, key = name(no, "b"), name(no, "a")
    total = 2 * PRICE if step == "again" else begin(node, basket, "sale", 2)
    # … the customer pays …
    booked = commit(node, basket, key, total)
    if step == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    print(f"sold {no} total {booked['total']} repeated {json.dumps(booked['repeated'])}")


def take_back(node: edgepos.Node, no: int) -> None:
    basket = name(no, "d")
    total = begin(node, basket, "return", -1, original={"basket": name(no, "b"), "line": 1})
    print(f"returned {no} total {commit(node, basket, name(no, 'c'), total)['total']}")


def receipt(node: edgepos.Node, no: int) -> None:
    receipts = node.receipts_of_basket(name(no, "b"))
    booked = node.transaction(receipts[0]["event"]) if receipts else None
    if booked is None:
        print(f"receipt {no} unknown")
        return
    transaction = booked["transaction"]
    print(f"receipt {no}")
    for line in transaction["lines"]:
        print(f"  {line['quantity']} x {line['product']}  {line['amount']}")
    print(f"  total {transaction['total']}")


def notices(node: edgepos.Node) -> None:
    heard = set()
    while (notice := node.next_notice(200)) is not None:
        heard.add(notice["notice"])
    others = "others" if heard - {"recorded"} else "no others"
    print(f"notices {'recorded' if 'recorded' in heard else 'nothing'} {others}")


def receive(node: edgepos.Node, quantity: int) -> None:
    node.record({"type": "stock_received", "from": "dairy", "lines": [{"product": PRODUCT, "quantity": quantity}]})
    print(f"received {quantity}")


def do(node: edgepos.Node, steps: "list[str]") -> None:
    while steps:
        step = steps.pop(0)
        if step == "receive":
            receive(node, int(steps.pop(0)))
        elif step in ("sell", "kill", "again"):
            sell(node, int(steps.pop(0)), step)
        elif step == "return":
            take_back(node, int(steps.pop(0)))
        elif step == "receipt":
            receipt(node, int(steps.pop(0)))
        elif step == "notices":
            notices(node)
        elif step == "stock":
            print(f"stock {node.counter(edgepos.STOCK, PRODUCT)}")
        elif step == "wait":
            print(f"left {node.flush_until_uploaded(30000)}")
        elif step == "hold":
            sys.stdin.read()
        elif step == "counters":
            page = {"counters": list(node.counters()), "next": None}
            print(f"counters {json.dumps(page, separators=(',', ':'))}")
        else:
            sys.exit(f"{step}: no such step")
        sys.stdout.flush()


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        config = file.read()
    with edgepos.Node(config) as node:
        do(node, sys.argv[2:])


main()
