package io.edgepos;

import com.sun.jna.Pointer;
import java.time.Duration;

/** Events as they are read back. One thread at a time. */
public final class Events implements AutoCloseable {
    private final Pointer events;

    Events(Pointer events) {
        this.events = events;
    }

    /** The next event; null where none came in time, or nothing further comes. */
    public String next(Duration timeout) {
        return Call.text(out -> EdgeposLibrary.C.edgepos_events_next(events, Call.milliseconds(timeout), out));
    }

    /** Up to where events were handed out. */
    public String cursor() {
        return Call.text(out -> EdgeposLibrary.C.edgepos_events_cursor(events, out));
    }

    /** Ends the reading. A second time does nothing. */
    @Override
    public void close() {
        EdgeposLibrary.C.edgepos_events_free(events);
    }
}
