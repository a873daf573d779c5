package io.edgepos;

import static io.edgepos.Call.bytes;
import static io.edgepos.Call.check;
import static io.edgepos.Call.size;
import static io.edgepos.Call.whole;
import static io.edgepos.Call.word;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import io.edgepos.EdgeposLibrary.Size;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A running terminal, to sell through: the C API of edgepos for Java and Kotlin.
 *
 * <p>What goes in and comes out is the JSON of the C API, as text, for whichever reader of JSON a till has. A call that is not done throws
 * an {@link EdgeposException} with its status; one that finds nothing gives null or an empty optional. A node may be used from several
 * threads at once.
 */
public final class Node implements AutoCloseable {
    /** What is counted: stock; and in place of a counter, any of them. */
    public static final int STOCK = 0, POINTS = 1, RETURNABLE = 2, STORED_VALUE = 3, COUPON_USE = 4, CASH = 5, DIFFERENCE = 6, REFUNDABLE = 7, VENDOR = 32768, ANY_COUNTER = 65536;
    /** Stock is on the shelf; promised; on its way; not fit for sale. Other counters have the first. */
    public static final int ON_HAND = 0, RESERVED = 1, IN_TRANSIT = 2, DAMAGED_STOCK = 3;

    private static final EdgeposLibrary C = EdgeposLibrary.C;

    private final Pointer node;
    private final Cleaner.Cleanable freed;
    /** What was left when it was stopped. */
    private volatile OptionalLong stopped = OptionalLong.empty();

    /** A call of a node with a name or a request, which answers with a text. */
    private interface Named {
        int call(Pointer node, byte[] name, Size length, PointerByReference text);
    }

    /** A call of a model, which answers with a text. */
    private interface Looks {
        int call(Pointer node, byte[] data, Size length, long timeout, PointerByReference text);
    }

    /** Opens a terminal: {@code config} is TOML or JSON. */
    public Node(String config) {
        Call.sameInterface();
        PointerByReference out = new PointerByReference();
        byte[] text = bytes(config);
        check(C.edgepos_node_open(text, size(text), out));
        node = out.getValue();
        freed = Call.freed(node, C::edgepos_node_free);
    }

    /** The version of the library. */
    public static String version() {
        return C.edgepos_version();
    }

    /**
     * Stops the terminal; how many events the cloud is not known to hold. A second time it says the same again. One whose store has failed
     * throws status -5 ({@code EDGEPOS_STOPPED}). One that hangs throws -4 ({@code EDGEPOS_BUSY}): it can be stopped again.
     */
    public long stop(Duration patience) {
        OptionalLong before = stopped;
        if (before.isPresent()) {
            return before.getAsLong();
        }
        LongByReference left = new LongByReference();
        check(C.edgepos_node_close(node, Call.milliseconds(patience), left));
        stopped = OptionalLong.of(left.getValue());
        return left.getValue();
    }

    /**
     * Frees it, also where another thread waits for a notice, an event or a flush, which then ends. Where it was not stopped it ends as in a
     * crash: what was acknowledged is on disk. A second time does nothing. One that was not closed is freed some time behind its last use, and
     * its file with it.
     */
    @Override
    public void close() {
        freed.clean();
    }

    /** Opens a basket. Whatever may be refused of a sale is refused here. */
    public String begin(String draft) {
        return ask(C::edgepos_node_begin, draft);
    }

    /** Changes an open basket as the cashier scans. */
    public String update(String draft) {
        return ask(C::edgepos_node_update, draft);
    }

    /** Payments whose outcome nobody has said, and money that no sale has. */
    public String unresolvedPayments() {
        return Call.text(out -> C.edgepos_node_unresolved_payments(node, out));
    }

    /** Books a paid basket; returns when it is on disk. */
    public String commit(String payment) {
        return ask(C::edgepos_node_commit, payment);
    }

    /** Records an event that is no sale; its name. */
    public String record(String record) {
        return ask(C::edgepos_node_record, record);
    }

    /** Gives up an open basket. */
    public void abandon(String basket) {
        byte[] name = bytes(basket);
        check(C.edgepos_node_abandon(node, name, size(name)));
    }

    /** Puts an open basket aside. */
    public void park(String basket) {
        byte[] name = bytes(basket);
        check(C.edgepos_node_park(node, name, size(name)));
    }

    /** Recalls a parked basket. */
    public String claim(String basket) {
        return ask(C::edgepos_node_claim, basket);
    }

    /** Baskets that were begun and neither committed nor given up. */
    public String unresolved() {
        return Call.text(out -> C.edgepos_node_unresolved(node, out));
    }

    /** A basket with its lines. */
    public String basket(String basket) {
        return ask(C::edgepos_node_basket, basket);
    }

    /** A customer by pseudonym or by another name; null where none is known. */
    public String customer(String query) {
        return ask(C::edgepos_node_customer, query);
    }

    /** Keeps the key to a customer's fields until the customer is erased. */
    public void keepKey(String key) {
        byte[] given = bytes(key);
        check(C.edgepos_node_keep_key(node, given, size(given)));
    }

    /** A document as it is in force at a moment; null where none is. */
    public String document(String query) {
        return ask(C::edgepos_node_document, query);
    }

    /** The documents of a namespace that are in force at a moment. */
    public String documents(String query) {
        return ask(C::edgepos_node_documents, query);
    }

    /** What is attached to a basket. */
    public String attachments(String basket) {
        return ask(C::edgepos_node_attachments, basket);
    }

    /** Something that is attached to a basket, with its bytes once all parts have come. */
    public String attachment(String query) {
        return ask(C::edgepos_node_attachment, query);
    }

    /** The receipts of a basket. */
    public String receiptsOfBasket(String basket) {
        return ask(C::edgepos_node_receipts_of_basket, basket);
    }

    /** The receipts that were booked under a key. */
    public String receiptsOfKey(String key) {
        return ask(C::edgepos_node_receipts_of_key, key);
    }

    /** The transaction that an event booked. */
    public String transaction(String event) {
        return ask(C::edgepos_node_transaction, event);
    }

    /** A page of transactions, the newest first; {@code query} and {@code after} may be null. */
    public String transactions(String query, String after, long limit) {
        byte[] which = bytes(query), from = bytes(after);
        return Call.text(out -> C.edgepos_node_transactions(node, which, size(which), from, size(from), word(limit), out));
    }

    /** One event as it is stored. */
    public String event(String event) {
        return ask(C::edgepos_node_event, event);
    }

    /** How safe an event is: 1 here, 2 at the leader, 3 in the cloud. */
    public OptionalInt durability(String event) {
        byte[] name = bytes(event);
        IntByReference out = new IntByReference();
        int status = check(C.edgepos_node_durability(node, name, size(name), out));
        return status == Call.OK ? OptionalInt.of(out.getValue()) : OptionalInt.empty();
    }

    /** Every event above a cursor, which may be null, and, where it follows, each that comes. */
    public Events eventsSince(String cursor, boolean follow) {
        byte[] from = bytes(cursor);
        PointerByReference out = new PointerByReference();
        check(C.edgepos_node_events_since(node, from, size(from), follow ? 1 : 0, out));
        return new Events(out.getValue(), node);
    }

    /** One counter at a place of the store; empty when nothing ever moved it. */
    public OptionalLong counter(long counter, String key, long location) {
        return counter(counter, bytes(key), location, ON_HAND);
    }

    /** The same where the key is bytes, as that of a line that may come back, and of stock in any state. */
    public OptionalLong counter(long counter, byte[] key, long location, long state) {
        LongByReference out = new LongByReference();
        int status = check(C.edgepos_node_counter(node, word(counter), word(location), word(state), key, size(key), out));
        return status == Call.OK ? OptionalLong.of(out.getValue()) : OptionalLong.empty();
    }

    /** A page of counters; {@code after} may be null. */
    public String countersAfter(long counter, String after) {
        byte[] from = bytes(after);
        return Call.text(out -> C.edgepos_node_counters_after(node, word(counter), from, size(from), out));
    }

    /** What was last said of a product, also where it is not in force yet. */
    public String product(String product) {
        return ask(C::edgepos_node_product, product);
    }

    /** A product's master data that is in force at a time, in ms since 1970 UTC. */
    public String productAt(String product, long atMs) {
        byte[] name = bytes(product);
        return Call.text(out -> C.edgepos_node_product_at(node, name, size(name), whole(atMs), out));
    }

    /** What a business day (yyyymmdd) comes to, of a terminal or, with 0, of the whole store. */
    public String dayFigures(long day, int terminal) {
        return Call.text(out -> C.edgepos_node_day_figures(node, word(day), Call.small(terminal), out));
    }

    /** The price that is in force at a time, in ms since 1970 UTC. */
    public String price(String product, int list, long atMs) {
        byte[] name = bytes(product);
        return Call.text(out -> C.edgepos_node_price(node, name, size(name), Call.small(list), whole(atMs), out));
    }

    /** The next notice; null where none came in time. */
    public String nextNotice(Duration timeout) {
        return Call.text(out -> C.edgepos_node_next_notice(node, Call.milliseconds(timeout), out));
    }

    /** What a fiscal signer is asked next; null where nothing came in time. */
    public String nextToSign(Duration timeout) {
        return Call.text(out -> C.edgepos_node_next_to_sign(node, Call.milliseconds(timeout), out));
    }

    /** What the signer has answered to that; whether somebody still waited for it. */
    public boolean signed(String answer) {
        byte[] said = bytes(answer);
        return check(C.edgepos_node_signed(node, said, size(said))) == Call.OK;
    }

    /** Who the terminal is, whom it follows, what someone must act on. */
    public String status() {
        return Call.text(out -> C.edgepos_node_status(node, out));
    }

    /** How the engines are. */
    public String diagnosis() {
        return Call.text(out -> C.edgepos_node_diagnosis(node, out));
    }

    /** How the elections went. */
    public String elections() {
        return Call.text(out -> C.edgepos_node_elections(node, out));
    }

    /** Events whose bytes are lost. */
    public String lost() {
        return Call.text(out -> C.edgepos_node_lost(node, out));
    }

    /** Figures for Prometheus. */
    public String metrics() {
        return Call.text(out -> C.edgepos_node_metrics(node, out));
    }

    /** Where the other terminals may call. */
    public String address() {
        return Call.text(out -> C.edgepos_node_address(node, out));
    }

    /** A page of exceptions; {@code after} may be null. */
    public String exceptionsAfter(String after) {
        return ask(C::edgepos_node_exceptions_after, after);
    }

    /** The same with what is decided about each. */
    public String openExceptionsAfter(String after) {
        return ask(C::edgepos_node_open_exceptions_after, after);
    }

    /** Resolves an exception for the whole store. */
    public String resolve(String request) {
        return ask(C::edgepos_node_resolve, request);
    }

    /** A page of the audit record of resolutions; {@code after} may be null. */
    public String resolutions(String after) {
        return ask(C::edgepos_node_resolutions, after);
    }

    /** Reports a condition that the application alone can see; a count of 0: it is over. */
    public void reportCondition(String kind, long count, String about) {
        byte[] name = bytes(kind), said = bytes(about);
        check(C.edgepos_node_report_condition(node, name, size(name), whole(count), said, size(said)));
    }

    /** Reports what a model of the application did: 0 answered, 1 fallback, 2 right, 3 wrong. */
    public void reportInference(long what, long tookUs) {
        check(C.edgepos_node_report_inference(node, word(what), whole(tookUs)));
    }

    /** Lets another incarnation take part in what the store decides. */
    public void admit(String replica) {
        byte[] name = bytes(replica);
        check(C.edgepos_node_admit(node, name, size(name)));
    }

    /** Takes an incarnation out of what the store decides. */
    public void retire(String replica) {
        byte[] name = bytes(replica);
        check(C.edgepos_node_retire(node, name, size(name)));
    }

    /** Another box takes the place of a terminal. */
    public void replace(int terminal, boolean planned) {
        check(C.edgepos_node_replace(node, Call.small(terminal), planned ? 1 : 0));
    }

    /** The store gives up what retired incarnations of this number have left. */
    public void writeOff(int terminal) {
        check(C.edgepos_node_write_off(node, Call.small(terminal)));
    }

    /** Raises the store's feature level. */
    public int raiseLevel() {
        IntByReference level = new IntByReference();
        check(C.edgepos_node_raise_level(node, level));
        return level.getValue();
    }

    /** Sends at once what is batched. */
    public void flush() {
        check(C.edgepos_node_flush(node));
    }

    /** Waits for the cloud; how many events it is not known to hold. */
    public long flushUntilUploaded(Duration patience) {
        LongByReference left = new LongByReference();
        check(C.edgepos_node_flush_until_uploaded(node, Call.milliseconds(patience), left));
        return left.getValue();
    }

    /** Hands the leadership over. */
    public void stepDown() {
        check(C.edgepos_node_step_down(node));
    }

    /** Says which models are used, once: {@code {"folder":"models"}}. */
    public void useModels(String request) {
        byte[] said = bytes(request);
        check(C.edgepos_node_use_models(node, said, size(said)));
    }

    /** Which products a PNG or JPEG shows. */
    public String recognise(byte[] picture, Duration timeout) {
        return look(C::edgepos_node_recognise, picture, timeout);
    }

    /** The barcode on a PNG or JPEG. */
    public String readBarcode(byte[] picture, Duration timeout) {
        return look(C::edgepos_node_read_barcode, picture, timeout);
    }

    /** How likely a payment is fraud. */
    public String score(String payment, Duration timeout) {
        return look(C::edgepos_node_score, bytes(payment), timeout);
    }

    /** The command in a WAV file. */
    public String hear(byte[] clip, Duration timeout) {
        return look(C::edgepos_node_hear, clip, timeout);
    }

    /** What a product will sell, and up to what to order. */
    public static String forecast(String request) {
        Call.sameInterface();
        byte[] said = bytes(request);
        return Call.text(out -> C.edgepos_forecast(said, size(said), out));
    }

    private String look(Looks call, byte[] data, Duration timeout) {
        return Call.text(out -> call.call(node, data, size(data), Call.milliseconds(timeout), out));
    }

    private String ask(Named call, String name) {
        byte[] said = bytes(name);
        return Call.text(out -> call.call(node, said, size(said), out));
    }
}
