"""What calls.c does, through the package for Python."""

import json
import re
import sys

import edgepos


def asked(text):
    """Objects go in as objects, names and what does not read as text."""
    try:
        return json.loads(text) if text.startswith("{") else text
    except ValueError:
        return text


def page(name, rows):
    return {name: list(rows), "next": None}


def events_since(node, cursor):
    events = node.events_since(asked(cursor) or None, False)
    some, skipped = False, ""
    while True:
        try:
            if events.next(60_000) is None:
                break
            some = True
        except edgepos.Error as error:
            if error.status != edgepos.DAMAGED:
                raise
            skipped += f"skipped\t{json.dumps(events.skip())}\n"
    return f"{'some' if some else 'none'}\n{skipped}cursor\t{json.dumps(events.cursor())}"


def use_models(node, request):
    used = json.loads(request)
    node.use_models(used["folder"], deadline_ms=used["deadline_ms"])


def make(node, call, given):
    number = [int(text) if text.isdigit() else 0 for text in given]
    if call in ("unresolved", "unresolved_payments", "status", "diagnosis", "elections", "lost", "metrics", "address", "flush", "step_down", "raise_level"):
        return getattr(node, call)()
    if call in ("recognise", "read_barcode", "hear"):
        return getattr(node, call)(bytes.fromhex(given[0]), number[1])
    special = {
        "score": lambda: node.score(asked(given[0]), number[1]),
        "forecast": lambda: edgepos.forecast(asked(given[0])),
        "transactions": lambda: page("transactions", node.transactions(asked(given[0]) or None, number[2])),
        "counter": lambda: node.counter(number[0], bytes.fromhex(given[1]), number[2], number[3]),
        "counters_after": lambda: page("counters", node.counters(number[0])),
        "exceptions_after": lambda: page("exceptions", node.exceptions()),
        "open_exceptions_after": lambda: page("exceptions", node.open_exceptions()),
        "resolutions": lambda: page("resolutions", node.resolutions()),
        "product_at": lambda: node.product_at(given[0], number[1]),
        "day_figures": lambda: node.day_figures(number[0], number[1]),
        "price": lambda: node.price(given[0], number[2], number[1]),
        "durability": lambda: node.durability(given[0]),
        "next_notice": lambda: node.next_notice(number[0]),
        "next_to_sign": lambda: node.next_to_sign(number[0]),
        "signed": lambda: "done" if node.signed(asked(given[0])) else None,
        "report_condition": lambda: node.report_condition(given[0], number[1], given[2]),
        "report_inference": lambda: node.report_inference(number[0], number[1]),
        "replace": lambda: node.replace(number[0], number[1] == 1),
        "write_off": lambda: node.write_off(number[0]),
        "flush_until_uploaded": lambda: int(node.flush_until_uploaded(number[0]) > 0),
        "close": lambda: int(node.close(number[0]) > 0),
        "events_since": lambda: events_since(node, given[0]),
        "use_models": lambda: use_models(node, given[0]),
    }.get(call)
    return special() if special else getattr(node, call)(asked(given[0]))


# Of these None is no answer, and of others it is that there is nothing.
DONE = {"abandon", "park", "keep_key", "admit", "retire", "use_models", "report_condition", "report_inference", "replace", "write_off", "flush", "step_down"}
config, script = sys.argv[1:]
node = edgepos.Node(open(config, encoding="utf-8").read())
event = ""
for line in open(script, encoding="utf-8"):
    call, *given = line.rstrip("\n").replace("$event", event).replace("\u2400", "\0").split("\t")
    given += [""] * (8 - len(given))
    try:
        answer = make(node, call, given)
    except edgepos.Error as error:
        print(f"{call}\trefused {error.status} {error}")
        continue
    if answer is None:
        text = "done" if call in DONE else "nothing"
    else:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    print(f"{call}\t{text}")
    if call == "record":
        event = text
    elif call == "commit":
        event = re.search(r'"event": "([^"]*)"', text).group(1)
