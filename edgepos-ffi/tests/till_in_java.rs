//! A till in Java, on JNA, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;

use support::tills;

#[test]
fn a_till_in_java_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_java(folder.path()) else { return };
    till.lives_through_a_crash();
}

/// What C has no room for, half a character, and a time that is over.
const NUMBERS: &str = r#"
import io.edgepos.EdgeposException;
import io.edgepos.Events;
import io.edgepos.Node;
import java.time.Duration;
import java.util.function.Function;

class Numbers {
    private static final int BUSY = -4;

    private static void refused(Runnable wrong) {
        try {
            wrong.run();
        } catch (IllegalArgumentException expected) {
            return;
        }
        throw new AssertionError("it was cut to another number");
    }

    /** Inside once another call is answered that this one is busy. */
    private static Thread waits(Function<Duration, String> next) {
        Thread waiting = new Thread(() -> {
            int status = BUSY;
            // The other thread may be inside, for a moment.
            while (status == BUSY) {
                try {
                    while (true) {
                        next.apply(Duration.ofSeconds(Long.MAX_VALUE));
                    }
                } catch (EdgeposException ended) {
                    status = ended.status;
                }
            }
        });
        waiting.setDaemon(true);
        waiting.start();
        while (true) {
            try {
                next.apply(Duration.ZERO);
            } catch (EdgeposException busy) {
                return waiting;
            }
            Thread.yield();
        }
    }

    private static final String LEFT = CONFIG.replace("till-1", "till-2");

    /** Events of a node that nobody has any more. */
    private static Events left() {
        Node node = new Node(LEFT);
        node.record("{\"type\":\"custom\",\"body\":\"00\"}");
        return node.eventsSince(null, false);
    }

    /** What nobody closes and nobody has any more is freed; while somebody reads its events a node is not. */
    private static void leavesToTheCollector() throws InterruptedException {
        Events events = left();
        for (int at = 0; at < 10; at++) {
            System.gc();
            Thread.sleep(20);
        }
        while (events.next(Duration.ofMinutes(1)) != null) {
            System.gc();
        }
        events = null;
        for (int tries = 0; ; tries++) {
            System.gc();
            Thread.sleep(20);
            try {
                new Node(LEFT).close();
                return;
            } catch (EdgeposException taken) {
                if (tries == 3000) {
                    throw new AssertionError("its file is not free", taken);
                }
            }
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        leavesToTheCollector();
        try (Node node = new Node(CONFIG)) {
            String notice = "";
            while (notice != null) {
                notice = node.nextNotice(Duration.ofMillis(100));
            }
            if (node.nextNotice(Duration.ofMillis(-5)) != null) {
                throw new AssertionError("there was a notice");
            }
            refused(() -> node.writeOff(65537));
            refused(() -> node.replace(-1, false));
            refused(() -> node.price("milk", 65536, 0));
            refused(() -> node.price("milk", 0, -1));
            refused(() -> node.productAt("milk", Long.MIN_VALUE));
            refused(() -> node.counter(Node.STOCK, "milk", -1));
            refused(() -> node.counter(Node.STOCK, "milk", 1L << 32));
            if (node.counter(Node.STOCK, "milk", (1L << 32) - 1).isPresent()) {
                throw new AssertionError("nothing was ever there");
            }
            refused(() -> node.countersAfter(-1, null));
            refused(() -> node.dayFigures(-1, 0));
            refused(() -> node.transactions(null, null, -1));
            refused(() -> node.reportCondition("model_missing", -1, ""));
            refused(() -> node.reportInference(0, -1));
            refused(() -> node.product("milk\uD83D"));
            node.flushUntilUploaded(Duration.ofSeconds(Long.MIN_VALUE));
            // Whoever waits for an event waits no longer when the reading is closed; a second time does nothing.
            Events events = node.eventsSince(null, true);
            Thread reader = waits(events::next);
            events.close();
            events.close();
            reader.join(60_000);
            if (reader.isAlive()) {
                throw new AssertionError("it waits on");
            }
            node.stop(Duration.ofSeconds(-1));
        }
        Node closed = new Node(CONFIG);
        Thread waiting = waits(closed::nextNotice);
        closed.close();
        waiting.join();
        try {
            closed.status();
            throw new AssertionError("it was used after it was closed");
        } catch (EdgeposException expected) {
            // A handle that was freed.
        }
        // Who waits for a cloud that does not answer is told as well.
        Node flushed = new Node(CONFIG);
        flushed.record("{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"milk\",\"quantity\":1}]}");
        boolean[] told = {false};
        Thread flush = new Thread(() -> {
            try {
                flushed.flushUntilUploaded(Duration.ofSeconds(Long.MAX_VALUE));
            } catch (EdgeposException expected) {
                told[0] = true;
            }
        });
        flush.setDaemon(true);
        flush.start();
        Thread.sleep(500);
        flushed.close();
        flush.join(60_000);
        if (flush.isAlive() || !told[0]) {
            throw new AssertionError("it flushes on, or says that it has");
        }
        // Left as it is, with a thread that waits: the program ends all the same.
        waits(new Node(CONFIG)::nextNotice);
        System.out.println("done");
    }
}
"#;

#[test]
fn no_number_is_cut_to_another_one_and_a_time_below_zero_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(folder.path()).replace('"', "\\\"");
    let file = folder.path().join("Numbers.java");
    fs::write(&file, NUMBERS.replace("CONFIG", &format!("\"{config}\""))).unwrap();
    let Some(till) = tills::java(folder.path(), &file, "Numbers") else { return };
    let output = till.command(Path::new("-"), &[]).output().unwrap();
    assert_eq!(support::text(&output.stdout), "done\n", "{}", support::text(&output.stderr));
    assert_eq!(support::text(&output.stderr), "");
    assert!(output.status.success());
}
