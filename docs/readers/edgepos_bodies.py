"""Payloads of events and their bodies: from docs/formats.md and docs/formats-bodies.md alone."""

from edgepos_wire import Damaged, demand, id_text, item, replica_text

KINDS = {
    1: "transaction", 2: "number_voided", 3: "stock_moved", 4: "product_set", 5: "price_set", 6: "day_opened", 7: "day_closed",
    8: "exception_raised", 9: "custom", 10: "fiscal_signed", 11: "receipt_printed", 12: "exception_ended", 14: "payment_intent", 15: "payment_outcome", 16: "basket_parked",
    17: "basket_claimed", 18: "basket_closed", 26: "resolution_proposed", 27: "exception_resolved",
    32: "customer_set", 33: "customer_linked", 34: "customer_unlinked", 35: "customer_erased", 36: "document_set", 37: "cash_moved",
    38: "shift_opened", 39: "shift_closed", 40: "stock_counted", 41: "count_settled",
    42: "attached",
}

# Each structure: whether it is a map, and its fields by number. A field with a structure has that one, "[x]" many of it; "event" is an
# event's id.
STRUCTURES = {
    "transaction": (True, "basket doc_type series number customer currency lines:[line] tenders:[tender] taxes:[tax] rounding total "
                          "change unreferenced"),
    "line": (True, "no product quantity scale unit_price amount discounts:[discount] tax_code reason original:original lot sold "
                    "price_version"),
    "original": (False, "basket line"),
    "discount": (False, "code amount"),
    "tender": (False, "kind amount external_ref payment"),
    "tax": (False, "code rate_ppm base amount included"),
    "number_voided": (True, "series number basket"),
    "fiscal_signed": (True, "basket series number state signature reason"),
    "receipt_printed": (True, "basket series number copy"),
    "stock_moved": (True, "reason from to lines:[stock_line]"),
    "stock_line": (False, "product quantity"),
    "stock_counted": (True, "location lines:[count_line] as_of:[event]"),
    "count_line": (True, "product counted expected"),
    "count_settled": (True, "count:event product stands"),
    "attached": (True, "basket hash size part name media_type content"),
    "product_set": (True, "product name base_unit scale tax_code counted floor valid_from valid_to version"),
    "price_set": (True, "product list amount currency tax_included valid_from valid_to version"),
    "customer_set": (True, "customer key sealed"),
    "customer_linked": (True, "customer name"),
    "customer_unlinked": (True, "customer name"),
    "customer_erased": (True, "customer"),
    "document_set": (True, "namespace key version effective_at content"),
    "day_opened": (True, "day float cash:[cash_count] store"),
    "day_closed": (True, "day counted watermark:[event] cash:[cash_count] store"),
    "cash_moved": (True, "reason currency amount from to note"),
    "shift_opened": (True, "shift cash:[cash_count]"),
    "shift_closed": (True, "shift cash:[cash_count]"),
    "cash_count": (True, "currency amount drawer expected"),
    "exception_raised": (True, "exception row episode value floor involved:[event] payments:[event]"),
    "exception_ended": (True, "row episode value"),
    "payment_intent": (True, "payment basket tender amount"),
    "payment_outcome": (True, "payment basket state amount external_ref beside:event"),
    "basket_parked": (True, "basket total currency contents"),
    "basket_claimed": (True, "basket parked:[event]"),
    "basket_closed": (True, "basket parked:[event]"),
    "resolution_proposed": (True, "row episode advice:advice"),
    "exception_resolved": (True, "row episode action actor reason at_ms base key of:event amount transaction:event refund approved_by "
                                 "advice:advice refused reversal:reversal"),
    "reversal": (True, "day terminal series number currency total rounding change tenders:[tender_reversal] taxes:[tax] operator drawer"),
    "tender_reversal": (True, "kind amount"),
    "advice": (True, "action transaction:event by reasons scores:[score] fallback"),
    "score": (False, "event:event per_mille"),
}
DEFAULTS = {
    "transaction": {"tenders": [], "taxes": [], "rounding": 0},
    "line": {"scale": 0, "unit_price": 0, "discounts": []},
    "product_set": {"scale": 0},
    "price_set": {"list": 0, "tax_included": False},
    "day_opened": {"float": 0},
    "day_closed": {"counted": 0},
    "advice": {"scores": []},
}


# What values of other types than the pages say lead to.
MALFORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


def plain(value):
    """Values as JSON can say them: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return {str(key): plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def of_type(value, kind):
    if kind == "event":
        return id_text(value)
    if kind.startswith("["):
        return [of_type(each, kind[1:-1]) for each in value]
    return structure(value, kind) if kind else plain(value)


def structure(value, name):
    is_map, fields = STRUCTURES[name]
    demand(isinstance(value, dict if is_map else list), f"{name} is no {'map' if is_map else 'array'}")
    found = dict(DEFAULTS.get(name, {}))
    for number, field in enumerate(fields.split()):
        field, _, kind = field.partition(":")
        each = value.get(number) if is_map else value[number] if number < len(value) else None
        if each is not None:
            found[field] = of_type(each, kind)
    return found


def body(kind, data):
    """A body in words; the bytes of a vendor's own, and of a kind that these pages do not know."""
    name = KINDS.get(kind, "unknown")
    if name not in STRUCTURES:
        return data.hex()
    try:
        return structure(item(data, f"body of a {name}"), name)
    except MALFORMED as error:
        raise Damaged(f"body of a {name}: it is not built as one: {error!r}") from error


def effect(value):
    return {
        "counter": value[0], "key": value[1], "location": value.get(2, 0), "state": value.get(3, 0), "change": value[4],
        "scale": value.get(5, 0), "floor": value.get(6),
    }


def named(value):
    """An event with the hash that its chain had there."""
    return {"event": id_text(value[0]), "hash": value[1].hex()}


def envelope(payload):
    """A payload: what stands around the body by name, the body still as bytes."""
    value = item(payload, "payload")
    try:
        return envelope_of(value)
    except MALFORMED as error:
        raise Damaged(f"payload: it is not built as one: {error!r}") from error


def envelope_of(value):
    origin = value.get(18, {})
    found = {
        "kind": value[0], "kind_name": KINDS.get(value[0]), "schema": value[1], "utc_ms": value[2], "utc_offset_min": value.get(3, 0),
        "clock": value.get(4, 0), "hlc": value[5], "business_day": value.get(6), "location": value.get(7, 0),
        "workstation": value.get(8, 0), "drawer": value.get(9), "operator": value.get(10), "mode": value.get(11, 0),
        "refs": [{"role": role, "id": id.hex()} for role, id in value.get(12, [])],
        "effects": [effect(each) for each in value.get(13, [])], "body": value[14],
        "ext": {name: each.hex() for name, each in value.get(15, {}).items()},
        "key": value[17].hex() if 17 in value else None,
        "reissue_of": named(origin[0]) if 0 in origin else None,
        "begun_in": replica_text(origin[1]) if 1 in origin else None,
        "replaces": named(origin[2]) if 2 in origin else None,
        "duplicate_of": id_text(value[19]) if 19 in value else None,
        "repair": value.get(20, 0),
    }
    demand(isinstance(found["body"], bytes), "a body that is no byte string")
    return found
