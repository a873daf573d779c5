package io.edgepos;

import com.sun.jna.Pointer;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;

/** Events as they are read back. One thread at a time. Freed some time behind its last use where it was not closed. */
public final class Events implements AutoCloseable {
    private final Pointer events;
    private final Pointer node;
    private final Cleaner.Cleanable freed;

    Events(Pointer events, Pointer node) {
        this.events = events;
        this.node = node;
        freed = Call.freed(events, EdgeposLibrary.C::edgepos_events_free);
    }

    /** The next event; null where none came in time, or nothing further comes. */
    public String next(Duration timeout) {
        String next = Call.text(out -> EdgeposLibrary.C.edgepos_events_next(events, Call.milliseconds(timeout), out));
        // Not freed while its events are read.
        Reference.reachabilityFence(node);
        return next;
    }

    /**
     * Where {@code next} has thrown DAMAGED (-7): passes by what is missing, says what as JSON, and reads on behind it; null where no event is
     * missing. A reading anew from the cursor would meet it again.
     */
    public String skip() {
        String skipped = Call.text(out -> EdgeposLibrary.C.edgepos_events_skip(events, out));
        Reference.reachabilityFence(node);
        return skipped;
    }

    /** Up to where events were handed out or passed by. */
    public String cursor() {
        return Call.text(out -> EdgeposLibrary.C.edgepos_events_cursor(events, out));
    }

    /** Ends the reading, also where another thread waits in {@code next}, which then ends. A second time does nothing. */
    @Override
    public void close() {
        freed.clean();
    }
}
