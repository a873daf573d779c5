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
import io.edgepos.Node;
import java.time.Duration;

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
    private static Thread waits(Node node) {
        Thread waiting = new Thread(() -> {
            int status = BUSY;
            // The other thread may be inside, for a moment.
            while (status == BUSY) {
                try {
                    while (true) {
                        node.nextNotice(Duration.ofSeconds(Long.MAX_VALUE));
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
                node.nextNotice(Duration.ZERO);
            } catch (EdgeposException busy) {
                return waiting;
            }
            Thread.yield();
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
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
            refused(() -> node.countersAfter(-1, null));
            refused(() -> node.dayFigures(-1, 0));
            refused(() -> node.transactions(null, null, -1));
            refused(() -> node.reportCondition("model_missing", -1, ""));
            refused(() -> node.reportInference(0, -1));
            refused(() -> node.product("milk\uD83D"));
            node.flushUntilUploaded(Duration.ofSeconds(Long.MIN_VALUE));
            node.stop(Duration.ofSeconds(-1));
        }
        Node closed = new Node(CONFIG);
        Thread waiting = waits(closed);
        closed.close();
        waiting.join();
        try {
            closed.status();
            throw new AssertionError("it was used after it was closed");
        } catch (EdgeposException expected) {
            // A handle that was freed.
        }
        // Left as it is, with a thread that waits: the program ends all the same.
        waits(new Node(CONFIG));
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
