// A point-of-sale terminal that keeps selling: the C API of edgepos for .NET.
//
// What goes in and comes out is the JSON of the C API, as text, for whichever reader of JSON a till has. A call that is not done throws an
// EdgeposException with its status; one that finds nothing gives null. A Node may be used from several threads at once.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Edgepos
{
    /// <summary>What a call answers with where it is not done.</summary>
    public enum Status
    {
        Invalid = -1, BadRequest = -2, Setup = -3, Busy = -4, Stopped = -5, Poisoned = -6, Damaged = -7, UnknownBasket = -8,
        Elsewhere = -9, Booked = -10, NotReturnable = -11, Tenders = -12, Day = -13, DiskFull = -14, ClockOff = -15, NotDecided = -16,
        NoModel = -17
    }

    /// <summary>What is counted.</summary>
    public enum Counter : uint
    {
        Stock = 0, Points = 1, Returnable = 2, StoredValue = 3, CouponUse = 4, Cash = 5, Difference = 6, Refundable = 7, Vendor = 32768, Any = 65536
    }

    /// <summary>A call that was not done.</summary>
    public sealed class EdgeposException : Exception
    {
        /// <summary>Why, for programs.</summary>
        public Status Status { get; }

        internal EdgeposException(int status, string detail) : base(detail) { Status = (Status)status; }
    }

    internal delegate int Answers<T>(out T answer);

    internal static class Call
    {
        internal const int Ok = 0;

        // A library that is found at run time may be another installation's.
        internal static void SameInterface()
        {
            if (Native.edgepos_abi() != Native.Abi) throw new NotSupportedException("the library has another interface");
        }

        // Half of a surrogate pair is refused with an ArgumentException: replaced it would be another name.
        private static readonly Encoding Utf8 = new UTF8Encoding(false, true);

        internal static int Check(int status)
        {
            if (status >= Ok) return status;
            var detail = Text(Native.edgepos_last_detail());
            throw new EdgeposException(status, detail == "" ? Text(Native.edgepos_status_text(status)) : detail);
        }

        /// The text that a call answers with; null where there is nothing.
        internal static string Text(Answers<TextHandle> call)
        {
            TextHandle text;
            if (Check(call(out text)) != Ok) return null;
            using (text)
            {
                var bytes = new byte[(int)Native.edgepos_text_length(text)];
                Marshal.Copy(Native.edgepos_text_data(text), bytes, 0, bytes.Length);
                return Utf8.GetString(bytes);
            }
        }

        /// The number that a call answers with; null where there is nothing.
        internal static T? Number<T>(Answers<T> call) where T : struct
        {
            T answer;
            return Check(call(out answer)) == Ok ? answer : (T?)null;
        }

        internal static string Text(IntPtr text)
        {
            var length = 0;
            while (Marshal.ReadByte(text, length) != 0) length++;
            var bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return Utf8.GetString(bytes);
        }

        internal static byte[] Bytes(string text) { return Utf8.GetBytes(text ?? ""); }

        internal static UIntPtr Length(byte[] bytes)
        {
            if (bytes == null) throw new ArgumentNullException(nameof(bytes));
            return (UIntPtr)bytes.Length;
        }

        // What .NET calls infinite is below zero.
        internal static ulong Milliseconds(TimeSpan time)
        {
            return time == System.Threading.Timeout.InfiniteTimeSpan ? ulong.MaxValue : (ulong)Math.Max(0, time.TotalMilliseconds);
        }
    }

    /// <summary>Events as they are read back. One thread at a time.</summary>
    public sealed class Events : IDisposable
    {
        private readonly EventsHandle events;
        private readonly Node node;

        internal Events(EventsHandle events, Node node) { this.events = events; this.node = node; }

        /// <summary>The next event; null where none came in time, or nothing further comes.</summary>
        public string Next(TimeSpan timeout)
        {
            var next = Call.Text((out TextHandle text) => Native.edgepos_events_next(events, Call.Milliseconds(timeout), out text));
            // Not collected while its events are read.
            GC.KeepAlive(node);
            return next;
        }

        /// <summary>Where Next has thrown Damaged: passes by what is missing, says what as JSON, and reads on behind it; null where no event is
        /// missing. A reading anew from the cursor would meet it again.</summary>
        public string Skip()
        {
            var skipped = Call.Text((out TextHandle text) => Native.edgepos_events_skip(events, out text));
            GC.KeepAlive(node);
            return skipped;
        }

        /// <summary>Up to where events were handed out or passed by.</summary>
        public string Cursor() { return Call.Text((out TextHandle text) => Native.edgepos_events_cursor(events, out text)); }

        /// <summary>Ends the reading, also where another thread waits in Next, which then ends.</summary>
        public void Dispose() { events.Free(); }
    }

    /// <summary>A running terminal, to sell through. Disposed without being closed it ends as in a crash: what was acknowledged is on disk.</summary>
    public sealed class Node : IDisposable
    {
        private delegate int Named(NodeHandle node, byte[] name, UIntPtr length, out TextHandle text);
        private delegate int Plain(NodeHandle node, out TextHandle text);
        private delegate int Does(NodeHandle node, byte[] name, UIntPtr length);
        private delegate int Looks(NodeHandle node, byte[] data, UIntPtr length, ulong timeout, out TextHandle text);

        private readonly NodeHandle node;
        // What was left when it was closed. In a box: a number of 64 bits is not written at once everywhere.
        private volatile object closed;

        /// <summary>Opens a terminal: <paramref name="config"/> is TOML or JSON.</summary>
        public Node(string config)
        {
            Call.SameInterface();
            var bytes = Call.Bytes(config);
            Call.Check(Native.edgepos_node_open(bytes, Call.Length(bytes), out node));
        }

        /// <summary>The version of the library.</summary>
        public static string Version => Call.Text(Native.edgepos_version());

        /// <summary>Stops it; how many events the cloud is not known to hold. A second time it says the same again. One whose store has failed
        /// throws Stopped. One that hangs throws Busy: it can be closed again.</summary>
        public ulong Close(TimeSpan patience)
        {
            if (closed is ulong before) return before;
            var answered = Call.Number((out ulong left) => Native.edgepos_node_close(node, Call.Milliseconds(patience), out left)).Value;
            closed = answered;
            return answered;
        }

        /// <summary>Frees it, also where another thread waits for a notice, an event or a flush, which then ends.</summary>
        public void Dispose() { node.Free(); }

        /// <summary>Opens a basket. Whatever may be refused of a sale is refused here.</summary>
        public string Begin(string draft) { return Ask(Native.edgepos_node_begin, draft); }
        /// <summary>Changes an open basket as the cashier scans.</summary>
        public string Update(string draft) { return Ask(Native.edgepos_node_update, draft); }
        /// <summary>Payments whose outcome nobody has said, and money that no sale has.</summary>
        public string UnresolvedPayments() { return Ask(Native.edgepos_node_unresolved_payments); }
        /// <summary>Books a paid basket; returns when it is on disk.</summary>
        public string Commit(string payment) { return Ask(Native.edgepos_node_commit, payment); }
        /// <summary>Records an event that is no sale; its name.</summary>
        public string Record(string record) { return Ask(Native.edgepos_node_record, record); }
        /// <summary>Gives up an open basket.</summary>
        public void Abandon(string basket) { Do(Native.edgepos_node_abandon, basket); }
        /// <summary>Puts an open basket aside.</summary>
        public void Park(string basket) { Do(Native.edgepos_node_park, basket); }
        /// <summary>Recalls a parked basket.</summary>
        public string Claim(string basket) { return Ask(Native.edgepos_node_claim, basket); }
        /// <summary>Baskets that were begun and neither committed nor given up.</summary>
        public string Unresolved() { return Ask(Native.edgepos_node_unresolved); }
        /// <summary>A basket with its lines.</summary>
        public string Basket(string basket) { return Ask(Native.edgepos_node_basket, basket); }

        /// <summary>A customer by pseudonym or by another name; null where none is known.</summary>
        public string Customer(string query) { return Ask(Native.edgepos_node_customer, query); }
        /// <summary>Keeps the key to a customer's fields until the customer is erased.</summary>
        public void KeepKey(string key) { Do(Native.edgepos_node_keep_key, key); }
        /// <summary>A document as it is in force at a moment; null where none is.</summary>
        public string Document(string query) { return Ask(Native.edgepos_node_document, query); }
        /// <summary>The documents of a namespace that are in force at a moment.</summary>
        public string Documents(string query) { return Ask(Native.edgepos_node_documents, query); }
        /// <summary>What is attached to a basket.</summary>
        public string Attachments(string basket) { return Ask(Native.edgepos_node_attachments, basket); }
        /// <summary>Something that is attached to a basket, with its bytes once all parts have come.</summary>
        public string Attachment(string query) { return Ask(Native.edgepos_node_attachment, query); }

        /// <summary>The receipts of a basket.</summary>
        public string ReceiptsOfBasket(string basket) { return Ask(Native.edgepos_node_receipts_of_basket, basket); }
        /// <summary>The receipts that were booked under a key.</summary>
        public string ReceiptsOfKey(string key) { return Ask(Native.edgepos_node_receipts_of_key, key); }
        /// <summary>The transaction that an event booked.</summary>
        public string Transaction(string name) { return Ask(Native.edgepos_node_transaction, name); }
        /// <summary>A page of transactions, the newest first; <paramref name="query"/> and <paramref name="after"/> may be null.</summary>
        public string Transactions(string query, string after, uint limit)
        {
            byte[] q = Call.Bytes(query), a = Call.Bytes(after);
            return Call.Text((out TextHandle text) =>
                Native.edgepos_node_transactions(node, q, Call.Length(q), a, Call.Length(a), limit, out text));
        }
        /// <summary>One event as it is stored.</summary>
        public string Event(string name) { return Ask(Native.edgepos_node_event, name); }
        /// <summary>How safe an event is: 1 here, 2 at the leader, 3 in the cloud.</summary>
        public int? Durability(string name)
        {
            var bytes = Call.Bytes(name);
            return Call.Number((out int value) => Native.edgepos_node_durability(node, bytes, Call.Length(bytes), out value));
        }
        /// <summary>Every event above a cursor, which may be null, and, where it follows, each that comes.</summary>
        public Events EventsSince(string cursor, bool follow)
        {
            EventsHandle events;
            var bytes = Call.Bytes(cursor);
            Call.Check(Native.edgepos_node_events_since(node, bytes, Call.Length(bytes), follow ? 1u : 0u, out events));
            return new Events(events, this);
        }

        /// <summary>One counter; null when nothing ever moved it.</summary>
        public long? CounterOf(Counter counter, string key, uint location = 0, uint state = 0)
        {
            return CounterOf(counter, Call.Bytes(key), location, state);
        }
        /// <summary>The same where the key is bytes, as that of a line that may come back.</summary>
        public long? CounterOf(Counter counter, byte[] bytes, uint location = 0, uint state = 0)
        {
            return Call.Number((out long value) =>
                Native.edgepos_node_counter(node, (uint)counter, location, state, bytes, Call.Length(bytes), out value));
        }
        /// <summary>A page of counters; <paramref name="after"/> may be null.</summary>
        public string CountersAfter(Counter counter, string after)
        {
            var bytes = Call.Bytes(after);
            return Call.Text((out TextHandle text) =>
                Native.edgepos_node_counters_after(node, (uint)counter, bytes, Call.Length(bytes), out text));
        }
        /// <summary>What was last said of a product, also where it is not in force yet.</summary>
        public string Product(string product) { return Ask(Native.edgepos_node_product, product); }
        /// <summary>A product's master data that is in force at a time, in ms since 1970 UTC.</summary>
        public string ProductAt(string product, ulong atMs)
        {
            var bytes = Call.Bytes(product);
            return Call.Text((out TextHandle text) =>
                Native.edgepos_node_product_at(node, bytes, Call.Length(bytes), atMs, out text));
        }
        /// <summary>What a business day (yyyymmdd) comes to, of a terminal or, with 0, of the whole store.</summary>
        public string DayFigures(uint day, ushort terminal)
        {
            return Call.Text((out TextHandle text) => Native.edgepos_node_day_figures(node, day, terminal, out text));
        }
        /// <summary>The price that is in force at a time, in ms since 1970 UTC.</summary>
        public string Price(string product, ushort list, ulong atMs)
        {
            var bytes = Call.Bytes(product);
            return Call.Text((out TextHandle text) =>
                Native.edgepos_node_price(node, bytes, Call.Length(bytes), list, atMs, out text));
        }

        /// <summary>The next notice; null where none came in time.</summary>
        public string NextNotice(TimeSpan timeout)
        {
            return Call.Text((out TextHandle text) => Native.edgepos_node_next_notice(node, Call.Milliseconds(timeout), out text));
        }
        /// <summary>What a fiscal signer is asked next; null where nothing came in time.</summary>
        public string NextToSign(TimeSpan timeout)
        {
            return Call.Text((out TextHandle text) => Native.edgepos_node_next_to_sign(node, Call.Milliseconds(timeout), out text));
        }
        /// <summary>What the signer has answered to that; whether somebody still waited for it.</summary>
        public bool Signed(string answer)
        {
            var bytes = Call.Bytes(answer);
            return Call.Check(Native.edgepos_node_signed(node, bytes, Call.Length(bytes))) == Call.Ok;
        }
        /// <summary>Who the terminal is, whom it follows, what someone must act on.</summary>
        public string Status() { return Ask(Native.edgepos_node_status); }
        /// <summary>How the engines are.</summary>
        public string Diagnosis() { return Ask(Native.edgepos_node_diagnosis); }
        /// <summary>How the elections went.</summary>
        public string Elections() { return Ask(Native.edgepos_node_elections); }
        /// <summary>Events whose bytes are lost.</summary>
        public string Lost() { return Ask(Native.edgepos_node_lost); }
        /// <summary>Figures for Prometheus.</summary>
        public string Metrics() { return Ask(Native.edgepos_node_metrics); }
        /// <summary>Where the other terminals may call.</summary>
        public string Address() { return Ask(Native.edgepos_node_address); }
        /// <summary>A page of exceptions; <paramref name="after"/> may be null.</summary>
        public string ExceptionsAfter(string after) { return Ask(Native.edgepos_node_exceptions_after, after); }

        /// <summary>The same with what is decided about each.</summary>
        public string OpenExceptionsAfter(string after) { return Ask(Native.edgepos_node_open_exceptions_after, after); }
        /// <summary>Resolves an exception for the whole store.</summary>
        public string Resolve(string request) { return Ask(Native.edgepos_node_resolve, request); }
        /// <summary>A page of the audit record of resolutions; <paramref name="after"/> may be null.</summary>
        public string Resolutions(string after) { return Ask(Native.edgepos_node_resolutions, after); }

        /// <summary>Reports a condition that the application alone can see; a count of 0: it is over.</summary>
        public void ReportCondition(string kind, ulong count, string about)
        {
            byte[] k = Call.Bytes(kind), a = Call.Bytes(about);
            Call.Check(Native.edgepos_node_report_condition(node, k, Call.Length(k), count, a, Call.Length(a)));
        }
        /// <summary>Reports what a model of the application did: 0 answered, 1 fallback, 2 right, 3 wrong.</summary>
        public void ReportInference(uint what, ulong tookUs) { Call.Check(Native.edgepos_node_report_inference(node, what, tookUs)); }
        /// <summary>Lets another incarnation take part in what the store decides.</summary>
        public void Admit(string replica) { Do(Native.edgepos_node_admit, replica); }
        /// <summary>Takes an incarnation out of what the store decides.</summary>
        public void Retire(string replica) { Do(Native.edgepos_node_retire, replica); }
        /// <summary>Another box takes the place of a terminal.</summary>
        public void Replace(ushort terminal, bool planned) { Call.Check(Native.edgepos_node_replace(node, terminal, planned ? 1u : 0u)); }
        /// <summary>The store gives up what retired incarnations of this number have left.</summary>
        public void WriteOff(ushort terminal) { Call.Check(Native.edgepos_node_write_off(node, terminal)); }
        /// <summary>Raises the store's feature level.</summary>
        public uint RaiseLevel() { return Call.Number((out uint level) => Native.edgepos_node_raise_level(node, out level)).Value; }
        /// <summary>Sends at once what is batched.</summary>
        public void Flush() { Call.Check(Native.edgepos_node_flush(node)); }
        /// <summary>Waits for the cloud; how many events it is not known to hold.</summary>
        public ulong FlushUntilUploaded(TimeSpan patience)
        {
            return Call.Number((out ulong left) =>
                Native.edgepos_node_flush_until_uploaded(node, Call.Milliseconds(patience), out left)).Value;
        }
        /// <summary>Hands the leadership over.</summary>
        public void StepDown() { Call.Check(Native.edgepos_node_step_down(node)); }

        /// <summary>Says which models are used, once: {"folder":"models"}.</summary>
        public void UseModels(string request) { Do(Native.edgepos_node_use_models, request); }
        /// <summary>Which products a PNG or JPEG shows.</summary>
        public string Recognise(byte[] picture, TimeSpan timeout) { return Look(Native.edgepos_node_recognise, picture, timeout); }
        /// <summary>The barcode on a PNG or JPEG.</summary>
        public string ReadBarcode(byte[] picture, TimeSpan timeout) { return Look(Native.edgepos_node_read_barcode, picture, timeout); }
        /// <summary>How likely a payment is fraud.</summary>
        public string Score(string payment, TimeSpan timeout) { return Look(Native.edgepos_node_score, Call.Bytes(payment), timeout); }
        /// <summary>The command in a WAV file.</summary>
        public string Hear(byte[] clip, TimeSpan timeout) { return Look(Native.edgepos_node_hear, clip, timeout); }

        /// <summary>What a product will sell, and up to what to order.</summary>
        public static string Forecast(string request)
        {
            Call.SameInterface();
            var bytes = Call.Bytes(request);
            return Call.Text((out TextHandle text) => Native.edgepos_forecast(bytes, Call.Length(bytes), out text));
        }

        private string Look(Looks call, byte[] data, TimeSpan timeout)
        {
            return Call.Text((out TextHandle text) => call(node, data, Call.Length(data), Call.Milliseconds(timeout), out text));
        }

        private string Ask(Named call, string name)
        {
            var bytes = Call.Bytes(name);
            return Call.Text((out TextHandle text) => call(node, bytes, Call.Length(bytes), out text));
        }

        private string Ask(Plain call) { return Call.Text((out TextHandle text) => call(node, out text)); }

        private void Do(Does call, string name)
        {
            var bytes = Call.Bytes(name);
            Call.Check(call(node, bytes, Call.Length(bytes)));
        }
    }
}
