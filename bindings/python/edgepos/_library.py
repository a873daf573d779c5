"""The shared library, and what its functions take."""

import ctypes
import os
import sys
from pathlib import Path

_ABI = 1
_NAME = {"win32": "edgepos_ffi.dll", "darwin": "libedgepos_ffi.dylib"}.get(sys.platform, "libedgepos_ffi.so")


def _whole(kind: type, bits: int) -> type:
    """A number that has room: ctypes alone would cut it, and it would be another terminal's or another time's."""

    class Whole(kind):
        @classmethod
        def from_param(cls, value: int) -> object:
            if not 0 <= value < 1 << bits:
                raise OverflowError(f"{value} is none of 0 to {(1 << bits) - 1}")
            return kind(value)

    return Whole


# By the letters of a signature: h a handle, t bytes and their number, o where an answer goes.
_KINDS = {
    "h": [ctypes.c_void_p],
    "t": [ctypes.c_char_p, ctypes.c_size_t],
    "o": [ctypes.c_void_p],
    "H": [_whole(ctypes.c_uint16, 16)],
    "I": [_whole(ctypes.c_uint32, 32)],
    "Q": [_whole(ctypes.c_uint64, 64)],
}
_NODE = {
    "open": "to", "free": "h", "close": "hQo", "address": "ho", "begin": "hto", "commit": "hto", "abandon": "ht", "park": "ht",
    "claim": "hto", "unresolved": "ho", "unresolved_payments": "ho", "update": "hto",
    "customer": "hto", "keep_key": "ht", "document": "hto", "documents": "hto", "attachments": "hto", "attachment": "hto", "basket": "hto", "record": "hto", "receipts_of_basket": "hto", "receipts_of_key": "hto",
    "transaction": "hto", "transactions": "httIo", "event": "hto", "durability": "hto", "events_since": "htIo",
    "counter": "hIIIto", "counters_after": "hIto", "product": "hto", "product_at": "htQo", "price": "htHQo",
    "day_figures": "hIHo", "next_notice": "hQo", "next_to_sign": "hQo", "signed": "ht", "status": "ho",
    "diagnosis": "ho", "elections": "ho", "lost": "ho", "metrics": "ho", "exceptions_after": "hto",
    "open_exceptions_after": "hto", "resolve": "hto", "resolutions": "hto", "report_condition": "htQt",
    "report_inference": "hIQ", "admit": "ht", "retire": "ht", "replace": "hHI", "write_off": "hH", "raise_level": "ho",
    "use_models": "ht", "recognise": "htQo", "read_barcode": "htQo", "score": "htQo", "hear": "htQo",
    "flush": "h", "flush_until_uploaded": "hQo", "step_down": "h",
}
_OTHERS = {
    "edgepos_events_next": "hQo", "edgepos_events_skip": "ho", "edgepos_events_cursor": "ho", "edgepos_events_free": "h", "edgepos_text_free": "h",
    "edgepos_text_data": "h", "edgepos_text_length": "h", "edgepos_forecast": "to", "edgepos_abi": "", "edgepos_version": "", "edgepos_last_detail": "",
}


def _load() -> ctypes.CDLL:
    path = os.environ.get("EDGEPOS_LIBRARY") or str(Path(__file__).parent / _NAME)
    loaded = ctypes.CDLL(path)
    for name, signature in {**{f"edgepos_node_{name}": kinds for name, kinds in _NODE.items()}, **_OTHERS}.items():
        function = getattr(loaded, name)
        function.argtypes = [kind for letter in signature for kind in _KINDS[letter]]
        function.restype = None if name.endswith("_free") else ctypes.c_int32
    loaded.edgepos_text_data.restype = ctypes.c_void_p
    loaded.edgepos_text_length.restype = ctypes.c_size_t
    loaded.edgepos_abi.restype = ctypes.c_uint32
    loaded.edgepos_version.restype = ctypes.c_char_p
    loaded.edgepos_last_detail.restype = ctypes.c_char_p
    loaded.edgepos_status_text.argtypes = [ctypes.c_int32]
    loaded.edgepos_status_text.restype = ctypes.c_char_p
    if loaded.edgepos_abi() != _ABI:
        raise ImportError(f"{path} has interface {loaded.edgepos_abi()}, and this package needs {_ABI}")
    return loaded


library = _load()
