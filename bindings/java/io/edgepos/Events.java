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

    /**
     * Where {@code next} has thrown DAMAGED (-7): passes by what is missing, says what as JSON, and reads on behind it; null where no event is
     * missing. A reading anew from the cursor would meet it again.
     */
    public String skip() {
        return Call.text(out -> EdgeposLibrary.C.edgepos_events_skip(events, out));
    }

    /** Up to where events were handed out or passed by. */
    public String cursor() {
        return Call.text(out -> EdgeposLibrary.C.edgepos_events_cursor(events, out));
    }

    /** Ends the reading. A second time does nothing. */
    @Override
    public void close() {
        EdgeposLibrary.C.edgepos_events_free(events);
    }
}
