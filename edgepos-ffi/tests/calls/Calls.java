// What calls.c does, through the package for Java.

import io.edgepos.EdgeposException;
import io.edgepos.Events;
import io.edgepos.Node;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;

class Calls {
    private static String event = "";

    private static Duration time(String ms) {
        return Duration.ofMillis(Long.parseLong(ms));
    }

    private static String done(Runnable call) {
        call.run();
        return "done";
    }

    private static String shown(OptionalInt value) {
        return value.isPresent() ? Integer.toString(value.getAsInt()) : null;
    }

    private static String shown(OptionalLong value) {
        return value.isPresent() ? Long.toString(value.getAsLong()) : null;
    }

    private static String eventsSince(Node node, String cursor) {
        try (Events events = node.eventsSince(cursor, false)) {
            String some = "none\n", skipped = "";
            while (true) {
                try {
                    if (events.next(Duration.ofMinutes(1)) == null) {
                        return some + skipped + "cursor\t" + events.cursor();
                    }
                    some = "some\n";
                } catch (EdgeposException error) {
                    if (error.status != -7) {
                        throw error;
                    }
                    skipped += "skipped\t" + events.skip() + "\n";
                }
            }
        }
    }

    private static String make(Node node, String[] g) {
        HexFormat hex = HexFormat.of();
        return switch (g[0]) {
            case "begin" -> node.begin(g[1]);
            case "update" -> node.update(g[1]);
            case "commit" -> node.commit(g[1]);
            case "record" -> node.record(g[1]);
            case "claim" -> node.claim(g[1]);
            case "basket" -> node.basket(g[1]);
            case "document" -> node.document(g[1]);
            case "customer" -> node.customer(g[1]);
            case "documents" -> node.documents(g[1]);
            case "attachments" -> node.attachments(g[1]);
            case "attachment" -> node.attachment(g[1]);
            case "receipts_of_basket" -> node.receiptsOfBasket(g[1]);
            case "receipts_of_key" -> node.receiptsOfKey(g[1]);
            case "transaction" -> node.transaction(g[1]);
            case "event" -> node.event(g[1]);
            case "product" -> node.product(g[1]);
            case "exceptions_after" -> node.exceptionsAfter(g[1]);
            case "open_exceptions_after" -> node.openExceptionsAfter(g[1]);
            case "resolve" -> node.resolve(g[1]);
            case "resolutions" -> node.resolutions(g[1]);
            case "unresolved" -> node.unresolved();
            case "unresolved_payments" -> node.unresolvedPayments();
            case "status" -> node.status();
            case "diagnosis" -> node.diagnosis();
            case "elections" -> node.elections();
            case "lost" -> node.lost();
            case "metrics" -> node.metrics();
            case "address" -> node.address();
            case "abandon" -> done(() -> node.abandon(g[1]));
            case "park" -> done(() -> node.park(g[1]));
            case "keep_key" -> done(() -> node.keepKey(g[1]));
            case "admit" -> done(() -> node.admit(g[1]));
            case "retire" -> done(() -> node.retire(g[1]));
            case "use_models" -> done(() -> node.useModels(g[1]));
            case "recognise" -> node.recognise(hex.parseHex(g[1]), time(g[2]));
            case "read_barcode" -> node.readBarcode(hex.parseHex(g[1]), time(g[2]));
            case "hear" -> node.hear(hex.parseHex(g[1]), time(g[2]));
            case "score" -> node.score(g[1], time(g[2]));
            case "forecast" -> Node.forecast(g[1]);
            case "transactions" -> node.transactions(g[1], g[2], Long.parseLong(g[3]));
            case "counter" -> shown(
                node.counter(Long.parseLong(g[1]), hex.parseHex(g[2]), Long.parseLong(g[3]), Long.parseLong(g[4])));
            case "counters_after" -> node.countersAfter(Long.parseLong(g[1]), g[2]);
            case "product_at" -> node.productAt(g[1], Long.parseLong(g[2]));
            case "day_figures" -> node.dayFigures(Long.parseLong(g[1]), Integer.parseInt(g[2]));
            case "price" -> node.price(g[1], Integer.parseInt(g[2]), Long.parseLong(g[3]));
            case "durability" -> shown(node.durability(g[1]));
            case "next_notice" -> node.nextNotice(time(g[1]));
            case "next_to_sign" -> node.nextToSign(time(g[1]));
            case "signed" -> node.signed(g[1]) ? "done" : null;
            case "report_condition" -> done(() -> node.reportCondition(g[1], Long.parseLong(g[2]), g[3]));
            case "report_inference" -> done(() -> node.reportInference(Long.parseLong(g[1]), Long.parseLong(g[2])));
            case "replace" -> done(() -> node.replace(Integer.parseInt(g[1]), g[2].equals("1")));
            case "write_off" -> done(() -> node.writeOff(Integer.parseInt(g[1])));
            case "raise_level" -> Integer.toString(node.raiseLevel());
            case "flush" -> done(node::flush);
            case "flush_until_uploaded" -> node.flushUntilUploaded(time(g[1])) > 0 ? "1" : "0";
            case "step_down" -> done(node::stepDown);
            case "close" -> node.stop(time(g[1])) > 0 ? "1" : "0";
            case "events_since" -> eventsSince(node, g[1]);
            default -> throw new IllegalStateException(g[0]);
        };
    }

    public static void main(String[] arguments) throws Exception {
        // Where numbers are written with other digits.
        Locale.setDefault(Locale.forLanguageTag("hi-IN-u-nu-deva"));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (Node node = new Node(Files.readString(Path.of(arguments[0])))) {
            for (String line : Files.readAllLines(Path.of(arguments[1]))) {
                String[] given = Arrays.copyOf(line.replace("$event", event).replace('\u2400', '\0').split("\t", -1), 8);
                for (int at = 0; at < given.length; at++) {
                    given[at] = given[at] == null ? "" : given[at];
                }
                String answer;
                try {
                    answer = make(node, given);
                } catch (EdgeposException error) {
                    out.print(given[0] + "\trefused " + error.status + " " + error.getMessage() + "\n");
                    continue;
                }
                out.print(given[0] + "\t" + (answer == null ? "nothing" : answer) + "\n");
                if (given[0].equals("record")) {
                    event = answer;
                } else if (given[0].equals("commit")) {
                    int at = answer.indexOf("\"event\":\"") + 9;
                    event = answer.substring(at, answer.indexOf('"', at));
                }
            }
        }
    }
}
