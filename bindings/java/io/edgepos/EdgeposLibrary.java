package io.edgepos;

import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/** What the C API has, as JNA declares it. A text goes in as bytes of UTF-8 and their number. */
interface EdgeposLibrary extends Library {
    EdgeposLibrary C = Native.load("edgepos_ffi", EdgeposLibrary.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));

    /** The interface that this package was written for. */
    int ABI = 1;

    /** A number of bytes. */
    class Size extends IntegerType {
        private static final long serialVersionUID = 1L;

        public Size() {
            this(0);
        }

        public Size(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    int edgepos_abi();
    String edgepos_version();
    String edgepos_status_text(int status);
    String edgepos_last_detail();
    Pointer edgepos_text_data(Pointer text);
    Size edgepos_text_length(Pointer text);
    void edgepos_text_free(Pointer text);

    int edgepos_node_open(byte[] config, Size length, PointerByReference node);
    void edgepos_node_free(Pointer node);
    int edgepos_node_close(Pointer node, long patience, LongByReference left);
    int edgepos_node_address(Pointer node, PointerByReference text);
    int edgepos_node_begin(Pointer node, byte[] draft, Size length, PointerByReference text);
    int edgepos_node_update(Pointer node, byte[] draft, Size length, PointerByReference text);
    int edgepos_node_unresolved_payments(Pointer node, PointerByReference text);
    int edgepos_node_commit(Pointer node, byte[] payment, Size length, PointerByReference text);
    int edgepos_node_record(Pointer node, byte[] record, Size length, PointerByReference text);
    int edgepos_node_abandon(Pointer node, byte[] basket, Size length);
    int edgepos_node_park(Pointer node, byte[] basket, Size length);
    int edgepos_node_claim(Pointer node, byte[] basket, Size length, PointerByReference text);
    int edgepos_node_unresolved(Pointer node, PointerByReference text);
    int edgepos_node_basket(Pointer node, byte[] basket, Size length, PointerByReference text);
    int edgepos_node_customer(Pointer node, byte[] query, Size length, PointerByReference text);
    int edgepos_node_keep_key(Pointer node, byte[] key, Size length);
    int edgepos_node_document(Pointer node, byte[] query, Size length, PointerByReference text);
    int edgepos_node_documents(Pointer node, byte[] query, Size length, PointerByReference text);
    int edgepos_node_attachments(Pointer node, byte[] basket, Size length, PointerByReference text);
    int edgepos_node_attachment(Pointer node, byte[] query, Size length, PointerByReference text);
    int edgepos_node_receipts_of_basket(Pointer node, byte[] basket, Size length, PointerByReference text);
    int edgepos_node_receipts_of_key(Pointer node, byte[] key, Size length, PointerByReference text);
    int edgepos_node_transaction(Pointer node, byte[] event, Size length, PointerByReference text);
    int edgepos_node_transactions(Pointer node, byte[] query, Size queryLength, byte[] after, Size afterLength, int limit, PointerByReference text);
    int edgepos_node_event(Pointer node, byte[] event, Size length, PointerByReference text);
    int edgepos_node_durability(Pointer node, byte[] event, Size length, IntByReference durability);
    int edgepos_node_events_since(Pointer node, byte[] cursor, Size length, int follow, PointerByReference events);
    int edgepos_node_counter(Pointer node, int counter, int location, int state, byte[] key, Size length, LongByReference value);
    int edgepos_node_counters_after(Pointer node, int counter, byte[] after, Size length, PointerByReference text);
    int edgepos_node_product(Pointer node, byte[] product, Size length, PointerByReference text);
    int edgepos_node_product_at(Pointer node, byte[] product, Size length, long at, PointerByReference text);
    int edgepos_node_day_figures(Pointer node, int day, short terminal, PointerByReference text);
    int edgepos_node_price(Pointer node, byte[] product, Size length, short list, long at, PointerByReference text);
    int edgepos_node_exceptions_after(Pointer node, byte[] after, Size length, PointerByReference text);
    int edgepos_node_open_exceptions_after(Pointer node, byte[] request, Size length, PointerByReference text);
    int edgepos_node_resolve(Pointer node, byte[] request, Size length, PointerByReference text);
    int edgepos_node_resolutions(Pointer node, byte[] request, Size length, PointerByReference text);
    int edgepos_node_next_notice(Pointer node, long timeout, PointerByReference text);
    int edgepos_node_next_to_sign(Pointer node, long timeout, PointerByReference text);
    int edgepos_node_signed(Pointer node, byte[] answer, Size length);
    int edgepos_node_status(Pointer node, PointerByReference text);
    int edgepos_node_diagnosis(Pointer node, PointerByReference text);
    int edgepos_node_elections(Pointer node, PointerByReference text);
    int edgepos_node_lost(Pointer node, PointerByReference text);
    int edgepos_node_metrics(Pointer node, PointerByReference text);
    int edgepos_node_report_condition(Pointer node, byte[] kind, Size kindLength, long count, byte[] about, Size aboutLength);
    int edgepos_node_report_inference(Pointer node, int what, long took);
    int edgepos_node_admit(Pointer node, byte[] replica, Size length);
    int edgepos_node_retire(Pointer node, byte[] replica, Size length);
    int edgepos_node_replace(Pointer node, short terminal, int planned);
    int edgepos_node_write_off(Pointer node, short terminal);
    int edgepos_node_raise_level(Pointer node, IntByReference level);
    int edgepos_node_flush(Pointer node);
    int edgepos_node_flush_until_uploaded(Pointer node, long patience, LongByReference left);
    int edgepos_node_step_down(Pointer node);

    int edgepos_node_use_models(Pointer node, byte[] request, Size length);
    int edgepos_node_recognise(Pointer node, byte[] picture, Size length, long timeout, PointerByReference text);
    int edgepos_node_read_barcode(Pointer node, byte[] picture, Size length, long timeout, PointerByReference text);
    int edgepos_node_score(Pointer node, byte[] payment, Size length, long timeout, PointerByReference text);
    int edgepos_node_hear(Pointer node, byte[] clip, Size length, long timeout, PointerByReference text);
    int edgepos_forecast(byte[] request, Size length, PointerByReference text);

    int edgepos_events_next(Pointer events, long timeout, PointerByReference text);
    int edgepos_events_skip(Pointer events, PointerByReference text);
    int edgepos_events_cursor(Pointer events, PointerByReference text);
    void edgepos_events_free(Pointer events);
}
