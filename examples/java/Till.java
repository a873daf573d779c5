// A till in Java: sells, takes back, asks again after a crash, prints a receipt, reads notices.
//
//     java Till CONFIG STEP...
//
// The steps are those of examples/c/till.c.

import io.edgepos.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

public final class Till {
    private static final String PRODUCT = "4006381333931";
    private static final long PRICE = 129;

    private Till() {}

    // The text behind a field of an answer. A till has a reader of JSON for that.
    private static String field(String answer, String name) {
        int at = answer.indexOf("\"" + name + "\":");
        if (at < 0) {
            return "";
        }
        at += name.length() + 3;
        at += answer.charAt(at) == '"' ? 1 : 0;
        int end = at;
        while ("\",}".indexOf(answer.charAt(end)) < 0) {
            end++;
        }
        return answer.substring(at, end);
    }

    // A till draws its names at random, and writes the key down before it asks. Here both follow from the number of the basket.
    private static String name(long no, char kind) {
        return kind + String.format("%031x", no);
    }

    // Whatever may be refused is refused here, before the customer pays.
    private static String begin(Node node, String basket, String docType, long quantity, String original) {
        String line = "{\"no\":1,\"product\":\"" + PRODUCT + "\",\"quantity\":" + quantity + ",\"unit_price\":" + PRICE + ",\"amount\":"
                + quantity * PRICE + original + "}";
        return field(
                node.begin("{\"basket\":\"" + basket + "\",\"doc_type\":\"" + docType + "\",\"currency\":\"EUR\",\"lines\":[" + line + "]}"),
                "total");
    }

    // Asked again with the same key, the sale is booked once and has one receipt.
    private static String commit(Node node, String basket, String key, String amount) {
        return node.commit(
                "{\"basket\":\"" + basket + "\",\"key\":\"" + key + "\",\"tenders\":[{\"kind\":\"cash\",\"amount\":" + amount + "}]}");
    }

    private static void sell(Node node, long no, String step) throws IOException, InterruptedException {
        String basket = name(no, 'b');
        String total = step.equals("again") ? String.valueOf(2 * PRICE) : begin(node, basket, "sale", 2, "");
        // … the customer pays …
        String booked = commit(node, basket, name(no, 'a'), total);
        if (step.equals("kill")) {
            new ProcessBuilder("kill", "-9", String.valueOf(ProcessHandle.current().pid())).start().waitFor();
        }
        System.out.println("sold " + no + " total " + field(booked, "total") + " repeated " + field(booked, "repeated"));
    }

    private static void takeBack(Node node, long no) {
        String original = ",\"original\":{\"basket\":\"" + name(no, 'b') + "\",\"line\":1}";
        String total = begin(node, name(no, 'd'), "return", -1, original);
        String booked = commit(node, name(no, 'd'), name(no, 'c'), total);
        System.out.println("returned " + no + " total " + field(booked, "total"));
    }

    private static void receipt(Node node, long no) {
        String receipts = node.receiptsOfBasket(name(no, 'b'));
        String booked = receipts.equals("[]") ? null : node.transaction(field(receipts, "event"));
        if (booked == null) {
            System.out.println("receipt " + no + " unknown");
            return;
        }
        System.out.println("receipt " + no);
        System.out.println("  " + field(booked, "quantity") + " x " + field(booked, "product") + "  " + field(booked, "amount"));
        System.out.println("  total " + field(booked, "total"));
    }

    private static void notices(Node node) {
        boolean recorded = false;
        boolean others = false;
        for (String notice; (notice = node.nextNotice(Duration.ofMillis(200))) != null; ) {
            boolean event = field(notice, "notice").equals("recorded");
            recorded |= event;
            others |= !event;
        }
        System.out.println("notices " + (recorded ? "recorded" : "nothing") + (others ? " others" : " no others"));
    }

    private static void receive(Node node, long quantity) {
        node.record("{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"" + PRODUCT + "\",\"quantity\":" + quantity + "}]}");
        System.out.println("received " + quantity);
    }

    // All pages as one: what each has between its brackets.
    private static String counters(Node node) {
        StringBuilder all = new StringBuilder();
        String after = "";
        while (!after.equals("null")) {
            String page = node.countersAfter(Node.ANY_COUNTER, after);
            int from = page.indexOf('[') + 1;
            int to = page.indexOf("],\"next\":");
            all.append(all.length() == 0 || from == to ? "" : ",").append(page, from, to);
            after = field(page, "next");
        }
        return "{\"counters\":[" + all + "],\"next\":null}";
    }

    // Does a step; how many arguments it took.
    private static int step(Node node, String what, String argument) throws IOException, InterruptedException {
        switch (what) {
            case "notices":
                notices(node);
                return 1;
            case "stock":
                System.out.println("stock " + node.counter(Node.STOCK, PRODUCT, 0).orElse(0));
                return 1;
            case "wait":
                System.out.println("left " + node.flushUntilUploaded(Duration.ofSeconds(30)));
                return 1;
            case "counters":
                System.out.println("counters " + counters(node));
                return 1;
            case "hold":
                System.in.readAllBytes();
                return 1;
            case "receive":
                receive(node, Long.parseLong(argument));
                return 2;
            case "return":
                takeBack(node, Long.parseLong(argument));
                return 2;
            case "receipt":
                receipt(node, Long.parseLong(argument));
                return 2;
            case "sell":
            case "kill":
            case "again":
                sell(node, Long.parseLong(argument), what);
                return 2;
            default:
                throw new IllegalArgumentException(what + ": no such step");
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (Node node = new Node(Files.readString(Path.of(arguments[0])))) {
            for (int at = 1; at < arguments.length; ) {
                at += step(node, arguments[at], at + 1 < arguments.length ? arguments[at + 1] : null);
            }
            node.stop(Duration.ZERO);
        }
    }
}
