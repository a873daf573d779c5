// What the C API has, as P/Invoke declares it. A text goes in as bytes of UTF-8 and their number.

using System;
using System.Runtime.InteropServices;

namespace Edgepos
{
    internal sealed class NodeHandle : SafeHandle
    {
        private NodeHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid => handle == IntPtr.Zero;
        protected override bool ReleaseHandle() { Native.edgepos_node_free(handle); return true; }

        // At once, and not when the last call of another thread has ended, which may wait for just this. A handle is a number that is given
        // once: to free it again is let pass.
        internal void Free()
        {
            Native.edgepos_node_free(handle);
            Dispose();
        }
    }

    internal sealed class EventsHandle : SafeHandle
    {
        private EventsHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid => handle == IntPtr.Zero;
        protected override bool ReleaseHandle() { Native.edgepos_events_free(handle); return true; }

        // As a node is: another thread may wait for an event without end.
        internal void Free()
        {
            Native.edgepos_events_free(handle);
            Dispose();
        }
    }

    internal sealed class TextHandle : SafeHandle
    {
        private TextHandle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid => handle == IntPtr.Zero;
        protected override bool ReleaseHandle() { Native.edgepos_text_free(handle); return true; }
    }

    internal static class Native
    {
        private const string Library = "edgepos_ffi";
        private const CallingConvention C = CallingConvention.Cdecl;

        internal const uint Abi = 1;

        [DllImport(Library, CallingConvention = C)] internal static extern uint edgepos_abi();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr edgepos_version();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr edgepos_status_text(int status);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr edgepos_last_detail();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr edgepos_text_data(TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr edgepos_text_length(TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern void edgepos_text_free(IntPtr text);

        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_open(byte[] config, UIntPtr length, out NodeHandle node);
        [DllImport(Library, CallingConvention = C)] internal static extern void edgepos_node_free(IntPtr node);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_close(NodeHandle node, ulong patience, out ulong left);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_address(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_begin(NodeHandle node, byte[] draft, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_update(NodeHandle node, byte[] draft, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_unresolved_payments(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_commit(NodeHandle node, byte[] payment, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_record(NodeHandle node, byte[] record, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_abandon(NodeHandle node, byte[] basket, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_park(NodeHandle node, byte[] basket, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_claim(NodeHandle node, byte[] basket, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_unresolved(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_basket(NodeHandle node, byte[] basket, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_customer(NodeHandle node, byte[] query, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_keep_key(NodeHandle node, byte[] key, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_document(NodeHandle node, byte[] query, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_documents(NodeHandle node, byte[] query, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_attachments(NodeHandle node, byte[] basket, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_attachment(NodeHandle node, byte[] query, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_receipts_of_basket(NodeHandle node, byte[] basket, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_receipts_of_key(NodeHandle node, byte[] key, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_transaction(NodeHandle node, byte[] ev, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_transactions(NodeHandle node, byte[] query, UIntPtr queryLength, byte[] after, UIntPtr afterLength, uint limit, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_event(NodeHandle node, byte[] ev, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_durability(NodeHandle node, byte[] ev, UIntPtr length, out int durability);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_events_since(NodeHandle node, byte[] cursor, UIntPtr length, uint follow, out EventsHandle events);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_counter(NodeHandle node, uint counter, uint location, uint state, byte[] key, UIntPtr length, out long value);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_counters_after(NodeHandle node, uint counter, byte[] after, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_product(NodeHandle node, byte[] product, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_product_at(NodeHandle node, byte[] product, UIntPtr length, ulong at, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_day_figures(NodeHandle node, uint day, ushort terminal, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_price(NodeHandle node, byte[] product, UIntPtr length, ushort list, ulong at, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_exceptions_after(NodeHandle node, byte[] after, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_open_exceptions_after(NodeHandle node, byte[] request, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_resolve(NodeHandle node, byte[] request, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_resolutions(NodeHandle node, byte[] request, UIntPtr length, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_next_notice(NodeHandle node, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_next_to_sign(NodeHandle node, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_signed(NodeHandle node, byte[] answer, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_status(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_diagnosis(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_elections(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_lost(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_metrics(NodeHandle node, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_report_condition(NodeHandle node, byte[] kind, UIntPtr kindLength, ulong count, byte[] about, UIntPtr aboutLength);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_report_inference(NodeHandle node, uint what, ulong took);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_admit(NodeHandle node, byte[] replica, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_retire(NodeHandle node, byte[] replica, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_replace(NodeHandle node, ushort terminal, uint planned);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_write_off(NodeHandle node, ushort terminal);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_raise_level(NodeHandle node, out uint level);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_flush(NodeHandle node);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_flush_until_uploaded(NodeHandle node, ulong patience, out ulong left);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_step_down(NodeHandle node);

        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_use_models(NodeHandle node, byte[] request, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_recognise(NodeHandle node, byte[] picture, UIntPtr length, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_read_barcode(NodeHandle node, byte[] picture, UIntPtr length, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_score(NodeHandle node, byte[] payment, UIntPtr length, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_node_hear(NodeHandle node, byte[] clip, UIntPtr length, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_forecast(byte[] request, UIntPtr length, out TextHandle text);

        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_events_next(EventsHandle events, ulong timeout, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_events_skip(EventsHandle events, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern int edgepos_events_cursor(EventsHandle events, out TextHandle text);
        [DllImport(Library, CallingConvention = C)] internal static extern void edgepos_events_free(IntPtr events);
    }
}
