"""A point-of-sale terminal that keeps selling: the C API of edgepos for Python.

    with edgepos.Node(config) as node:
        begun = node.begin({"basket": basket, "currency": "EUR", "lines": lines})
        booked = node.commit({"basket": basket, "key": key, "tenders": [{"kind": "cash", "amount": begun["total"]}]})

What goes in and comes out are the objects of the C API's JSON as dictionaries and lists; names are text, amounts are whole minor
units. A call that is not done raises :class:`Error` with its status. A node may be used from several threads at once; a call gives up
the interpreter's lock while it waits.
"""

from __future__ import annotations

import ctypes
import json
from typing import Any, Iterator, Optional, TypedDict, Union

from ._library import library

__all__ = ["Node", "Events", "Error", "Begun", "Committed", "Receipt", "ANY_COUNTER", "STOCK", "POINTS", "RETURNABLE",
           "STORED_VALUE", "COUPON_USE", "CASH", "DIFFERENCE", "REFUNDABLE", "VENDOR", "ON_HAND", "RESERVED", "IN_TRANSIT", "DAMAGED_STOCK", "forecast", "version"]

OK, NOTHING, END = 0, 1, 2
INVALID, BAD_REQUEST, SETUP, BUSY, STOPPED, POISONED, DAMAGED, UNKNOWN_BASKET = -1, -2, -3, -4, -5, -6, -7, -8
ELSEWHERE, BOOKED, NOT_RETURNABLE, TENDERS, DAY, DISK_FULL, CLOCK_OFF, NOT_DECIDED = -9, -10, -11, -12, -13, -14, -15, -16
NO_MODEL = -17

STOCK, POINTS, RETURNABLE, STORED_VALUE, COUPON_USE, CASH, DIFFERENCE, REFUNDABLE, VENDOR, ANY_COUNTER = 0, 1, 2, 3, 4, 5, 6, 7, 32768, 65536
ON_HAND, RESERVED, IN_TRANSIT, DAMAGED_STOCK = 0, 1, 2, 3
HERE, AT_LEADER, IN_CLOUD = 1, 2, 3

Json = Any


class Begun(TypedDict):
    """An open basket."""

    number: int
    total: int


class Receipt(TypedDict):
    """Proof of a booked transaction."""

    event: str
    basket: str
    series: str
    number: int
    total: int


class Committed(Receipt):
    """A receipt, and whether an earlier call with the same key had booked it."""

    repeated: bool


class Error(Exception):
    """A call that was not done."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail or library.edgepos_status_text(status).decode())
        #: One of INVALID, BAD_REQUEST … of this module.
        self.status = status


def version() -> str:
    """The version of the library."""
    return library.edgepos_version().decode()


def _check(status: int) -> int:
    if status < OK:
        raise Error(status, library.edgepos_last_detail().decode(errors="replace"))
    return status


def _text(handle: ctypes.c_void_p) -> str:
    try:
        return ctypes.string_at(library.edgepos_text_data(handle), library.edgepos_text_length(handle)).decode()
    finally:
        library.edgepos_text_free(handle)


def _given(value: Union[str, dict[str, Json], list[Json], None]) -> tuple[bytes, int]:
    """Bytes and their number: a text as it is, anything else as JSON."""
    if value is None:
        return b"", 0
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return data, len(data)


def forecast(request: dict[str, Json]) -> dict[str, Json]:
    """What a product will sell, and up to what to order."""
    out = ctypes.c_void_p()
    _check(library.edgepos_forecast(*_given(request), ctypes.byref(out)))
    return json.loads(_text(out))


def _left(time_ms: int) -> int:
    """Of a time that is over none is left."""
    return max(0, time_ms)


class _Handle:
    """Owns a handle, and frees it once."""

    _free: str

    def __init__(self, handle: ctypes.c_void_p) -> None:
        self._handle = handle

    def __del__(self) -> None:
        self._release()

    def _release(self) -> None:
        """Whoever waits in a call of it is told that it has ended."""
        handle, self._handle = getattr(self, "_handle", None), ctypes.c_void_p()
        if handle:
            getattr(library, self._free)(handle)

    def _text(self, call: str, *arguments: Any) -> Optional[str]:
        """The text that a call answers with; None where there is nothing."""
        out = ctypes.c_void_p()
        status = _check(getattr(library, call)(self._handle, *arguments, ctypes.byref(out)))
        return _text(out) if status == OK else None

    def _json(self, call: str, *arguments: Any) -> Json:
        text = self._text(call, *arguments)
        return None if text is None else json.loads(text)

    def _number(self, call: str, kind: Any, *arguments: Any) -> Optional[int]:
        out = kind()
        status = _check(getattr(library, call)(self._handle, *arguments, ctypes.byref(out)))
        return out.value if status == OK else None

    def _do(self, call: str, *arguments: Any) -> None:
        _check(getattr(library, call)(self._handle, *arguments))


class Events(_Handle):
    """Events as they are read back. Iterating ends where nothing came for a second, or everything was read. In a `with` it is closed at the
    end; otherwise when nobody has it any more."""

    _free = "edgepos_events_free"

    def __init__(self, handle: ctypes.c_void_p, node: Node) -> None:
        super().__init__(handle)
        # Not collected while its events are read.
        self._node = node

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the reading, also where another thread waits in `next`, which then raises STOPPED. A second time does nothing."""
        self._release()

    def next(self, timeout_ms: int) -> Optional[dict[str, Json]]:
        """The next event; None where none came in time, or nothing further comes."""
        return self._json("edgepos_events_next", _left(timeout_ms))

    def skip(self) -> Optional[dict[str, Json]]:
        """Where `next` has raised DAMAGED: passes by what is missing, says what, and reads on behind it; None where no event is missing. A
        reading anew from the cursor would meet it again."""
        return self._json("edgepos_events_skip")

    def cursor(self) -> dict[str, int]:
        """Up to where events were handed out or passed by."""
        return self._json("edgepos_events_cursor")

    def __iter__(self) -> Iterator[dict[str, Json]]:
        while (event := self.next(1000)) is not None:
            yield event


class Node(_Handle):
    """A running terminal, to sell through."""

    _free = "edgepos_node_free"

    def __init__(self, config: Union[str, dict[str, Json]]) -> None:
        """Opens it. `config` is TOML or JSON as text, or a dictionary."""
        out = ctypes.c_void_p()
        _check(library.edgepos_node_open(*_given(config), ctypes.byref(out)))
        super().__init__(out)
        # What was left when it was closed.
        self._closed: Optional[int] = None

    def __enter__(self) -> Node:
        return self

    def __exit__(self, raised: Optional[type], *_: object) -> None:
        """Closes and frees it. What was raised inside goes on, also where it cannot be closed."""
        try:
            self.close()
        except Error:
            if raised is None:
                raise
        finally:
            self._release()

    def close(self, patience_ms: int = 0) -> int:
        """Stops it; how many events the cloud is not known to hold. A second time it says the same again. One whose store has failed, and one
        of the process that this was forked from, raises STOPPED. One that hangs raises BUSY: it can be closed again."""
        if self._closed is None:
            self._closed = self._number("edgepos_node_close", ctypes.c_uint64, _left(patience_ms))
        return self._closed or 0

    # The life of a sale.

    def begin(self, draft: dict[str, Json]) -> Begun:
        """Opens a basket. Whatever may be refused of a sale is refused here."""
        return self._json("edgepos_node_begin", *_given(draft))

    def update(self, draft: dict[str, Json]) -> Begun:
        """Changes an open basket as the cashier scans."""
        return self._json("edgepos_node_update", *_given(draft))

    def unresolved_payments(self) -> list[dict[str, Json]]:
        """Payments whose outcome nobody has said, and money that no sale has."""
        return self._json("edgepos_node_unresolved_payments")

    def commit(self, payment: dict[str, Json]) -> Committed:
        """Books a paid basket; returns when it is on disk."""
        return self._json("edgepos_node_commit", *_given(payment))

    def abandon(self, basket: str) -> None:
        """Gives up an open basket."""
        self._do("edgepos_node_abandon", *_given(basket))

    def park(self, basket: str) -> None:
        """Puts an open basket aside."""
        self._do("edgepos_node_park", *_given(basket))

    def claim(self, basket: str) -> dict[str, Json]:
        """Recalls a parked basket."""
        return self._json("edgepos_node_claim", *_given(basket))

    def unresolved(self) -> list[dict[str, Json]]:
        """Baskets that were begun and neither committed nor given up."""
        return self._json("edgepos_node_unresolved")

    def basket(self, basket: str) -> Optional[dict[str, Json]]:
        """A basket with its lines."""
        return self._json("edgepos_node_basket", *_given(basket))

    def record(self, record: dict[str, Json]) -> str:
        """Records an event that is no sale; its name."""
        return self._text("edgepos_node_record", *_given(record)) or ""

    # What was published.

    def customer(self, query: dict[str, Json]) -> Optional[dict[str, Json]]:
        """A customer by pseudonym or by another name."""
        return self._json("edgepos_node_customer", *_given(query))

    def keep_key(self, key: dict[str, Json]) -> None:
        """Keeps the key to a customer's fields until the customer is erased."""
        self._do("edgepos_node_keep_key", *_given(key))

    def document(self, query: dict[str, Json]) -> Optional[dict[str, Json]]:
        """A document as it is in force at a moment."""
        return self._json("edgepos_node_document", *_given(query))

    def documents(self, query: dict[str, Json]) -> list[dict[str, Json]]:
        """The documents of a namespace that are in force at a moment."""
        return self._json("edgepos_node_documents", *_given(query))

    def attachments(self, basket: str) -> list[dict[str, Json]]:
        """What is attached to a basket, and how many of its parts have come here."""
        return self._json("edgepos_node_attachments", *_given(basket))

    def attachment(self, query: dict[str, Json]) -> Optional[dict[str, Json]]:
        """Something that is attached to a basket, by its hash, with its bytes in hexadecimal once all parts have come."""
        return self._json("edgepos_node_attachment", *_given(query))

    # What was sold.

    def receipts_of_basket(self, basket: str) -> list[Receipt]:
        """The receipts of a basket."""
        return self._json("edgepos_node_receipts_of_basket", *_given(basket))

    def receipts_of_key(self, key: str) -> list[Receipt]:
        """The receipts that were booked under a key."""
        return self._json("edgepos_node_receipts_of_key", *_given(key))

    def transaction(self, event: str) -> Optional[dict[str, Json]]:
        """The transaction that an event booked."""
        return self._json("edgepos_node_transaction", *_given(event))

    def transactions(self, query: Optional[dict[str, Json]] = None, limit: int = 200) -> Iterator[dict[str, Json]]:
        """Transactions that this terminal holds, the newest first, page after page."""
        after: Optional[dict[str, int]] = None
        while True:
            page = self._json("edgepos_node_transactions", *_given(query), *_given(after), limit)
            yield from page["transactions"]
            after = page["next"]
            if after is None:
                return

    def event(self, event: str) -> Optional[dict[str, Json]]:
        """One event as it is stored."""
        return self._json("edgepos_node_event", *_given(event))

    def durability(self, event: str) -> Optional[int]:
        """How safe an event is: HERE, AT_LEADER or IN_CLOUD."""
        return self._number("edgepos_node_durability", ctypes.c_int32, *_given(event))

    def events_since(self, cursor: Optional[dict[str, int]] = None, follow: bool = True) -> Events:
        """Every event above a cursor, and, where it follows, each that comes."""
        out = ctypes.c_void_p()
        _check(library.edgepos_node_events_since(self._handle, *_given(cursor), int(follow), ctypes.byref(out)))
        return Events(out, self)

    # Counters, products and prices.

    def counter(self, counter: int, key: Union[str, bytes], location: int = 0, state: int = ON_HAND) -> Optional[int]:
        """One counter; None when nothing ever moved it."""
        data = key.encode() if isinstance(key, str) else key
        return self._number("edgepos_node_counter", ctypes.c_int64, counter, location, state, data, len(data))

    def counters(self, counter: int = ANY_COUNTER) -> Iterator[dict[str, Json]]:
        """Every counter, page after page."""
        after: Optional[str] = None
        while True:
            page = self._json("edgepos_node_counters_after", counter, *_given(after))
            yield from page["counters"]
            after = page["next"]
            if after is None:
                return

    def product(self, product: str) -> Optional[dict[str, Json]]:
        """What was last said of a product, also where it is not in force yet."""
        return self._json("edgepos_node_product", *_given(product))

    def product_at(self, product: str, at_ms: int) -> Optional[dict[str, Json]]:
        """A product's master data that is in force at a time."""
        return self._json("edgepos_node_product_at", *_given(product), at_ms)

    def day_figures(self, day: int, terminal: int = 0) -> dict[str, Json]:
        """What a business day (yyyymmdd) comes to, of a terminal or, with 0, of the whole store."""
        return self._json("edgepos_node_day_figures", day, terminal)

    def price(self, product: str, at_ms: int, price_list: int = 0) -> Optional[dict[str, Json]]:
        """The price that is in force at a time."""
        return self._json("edgepos_node_price", *_given(product), price_list, at_ms)

    # How the terminal is, and what happens.

    def next_notice(self, timeout_ms: int) -> Optional[dict[str, Json]]:
        """The next notice; None where none came in time."""
        return self._json("edgepos_node_next_notice", _left(timeout_ms))

    def next_to_sign(self, timeout_ms: int) -> Optional[dict[str, Json]]:
        """What a fiscal signer is asked next; None where nothing came in time."""
        return self._json("edgepos_node_next_to_sign", _left(timeout_ms))

    def signed(self, answer: dict[str, Json]) -> bool:
        """What the signer has answered to that; whether somebody still waited for it."""
        return _check(library.edgepos_node_signed(self._handle, *_given(answer))) == OK

    def status(self) -> dict[str, Json]:
        """Who the terminal is, whom it follows, what someone must act on."""
        return self._json("edgepos_node_status")

    def diagnosis(self) -> dict[str, Json]:
        """How the engines are."""
        return self._json("edgepos_node_diagnosis")

    def elections(self) -> dict[str, Json]:
        """How the elections went."""
        return self._json("edgepos_node_elections")

    def lost(self) -> list[dict[str, Json]]:
        """Events whose bytes are lost."""
        return self._json("edgepos_node_lost")

    def metrics(self) -> str:
        """Figures for Prometheus."""
        return self._text("edgepos_node_metrics") or ""

    def address(self) -> str:
        """Where the other terminals may call."""
        return self._text("edgepos_node_address") or ""

    def exceptions(self) -> Iterator[dict[str, Json]]:
        """Exceptions that are raised and have not ended, page after page."""
        after: Optional[str] = None
        while True:
            page = self._json("edgepos_node_exceptions_after", *_given(after))
            yield from page["exceptions"]
            after = page["next"]
            if after is None:
                return

    def open_exceptions(self) -> Iterator[dict[str, Json]]:
        """The same with what is decided about each."""
        after: Optional[str] = None
        while True:
            page = self._json("edgepos_node_open_exceptions_after", *_given(after))
            yield from page["exceptions"]
            after = page["next"]
            if after is None:
                return

    def resolve(self, request: dict[str, Json]) -> dict[str, Json]:
        """Resolves an exception for the whole store."""
        return self._json("edgepos_node_resolve", *_given(request))

    def resolutions(self) -> Iterator[dict[str, Json]]:
        """The audit record of resolutions, page after page."""
        after: Optional[str] = None
        while True:
            page = self._json("edgepos_node_resolutions", *_given(after))
            yield from page["resolutions"]
            after = page["next"]
            if after is None:
                return

    def report_condition(self, kind: str, count: int, about: str = "") -> None:
        """Reports a condition that the application alone can see; a count of 0: it is over."""
        self._do("edgepos_node_report_condition", *_given(kind), count, *_given(about))

    def report_inference(self, what: int, took_us: int = 0) -> None:
        """Reports what a model of the application did."""
        self._do("edgepos_node_report_inference", what, took_us)

    # Models.

    def use_models(self, folder: str, jobs: Optional[list[str]] = None, deadline_ms: int = 300) -> None:
        """Says which models are used, once."""
        self._do("edgepos_node_use_models", *_given({"folder": folder, "jobs": jobs, "deadline_ms": deadline_ms}))

    def recognise(self, picture: bytes, timeout_ms: int) -> dict[str, Json]:
        """Which products a PNG or JPEG shows."""
        return self._json("edgepos_node_recognise", picture, len(picture), _left(timeout_ms))

    def read_barcode(self, picture: bytes, timeout_ms: int) -> dict[str, Json]:
        """The barcode on a PNG or JPEG."""
        return self._json("edgepos_node_read_barcode", picture, len(picture), _left(timeout_ms))

    def score(self, payment: dict[str, Json], timeout_ms: int) -> dict[str, Json]:
        """How likely a payment is fraud."""
        return self._json("edgepos_node_score", *_given(payment), _left(timeout_ms))

    def hear(self, clip: bytes, timeout_ms: int) -> dict[str, Json]:
        """The command in a WAV file."""
        return self._json("edgepos_node_hear", clip, len(clip), _left(timeout_ms))

    # What the whole store decides.

    def admit(self, replica: str) -> None:
        """Lets another incarnation take part in what the store decides."""
        self._do("edgepos_node_admit", *_given(replica))

    def retire(self, replica: str) -> None:
        """Takes an incarnation out of what the store decides."""
        self._do("edgepos_node_retire", *_given(replica))

    def replace(self, terminal: int, planned: bool = False) -> None:
        """Another box takes the place of a terminal."""
        self._do("edgepos_node_replace", terminal, int(planned))

    def write_off(self, terminal: int) -> None:
        """The store gives up what retired incarnations of this number have left."""
        self._do("edgepos_node_write_off", terminal)

    def raise_level(self) -> int:
        """Raises the store's feature level."""
        return self._number("edgepos_node_raise_level", ctypes.c_uint32) or 0

    def flush(self) -> None:
        """Sends at once what is batched."""
        self._do("edgepos_node_flush")

    def flush_until_uploaded(self, patience_ms: int) -> int:
        """Waits for the cloud; how many events it is not known to hold."""
        return self._number("edgepos_node_flush_until_uploaded", ctypes.c_uint64, _left(patience_ms)) or 0

    def step_down(self) -> None:
        """Hands the leadership over."""
        self._do("edgepos_node_step_down")
