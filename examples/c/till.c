/* A till in C: sells, takes back, asks again after a crash, prints a receipt, reads notices.
 *
 *     till CONFIG STEP...
 *
 * CONFIG is a file that says who the terminal is, in TOML or JSON. The steps are done one after the other; NO is a number that the
 * till gives a basket:
 *
 *     receive QUANTITY   goods come in
 *     sell NO            begins a basket and books it
 *     kill NO            the same, and the process dies before it has heard the answer
 *     again NO           asks once more for the sale that a crash has cut off, with the same key
 *     return NO          takes back one piece of an earlier basket
 *     receipt NO         prints the receipt of a basket
 *     notices            reads what has happened
 *     stock              says how much of the product is there
 *     wait               waits until the cloud has everything, or half a minute
 *     hold               waits for the end of the standard input
 *     counters           prints every counter */

#include <edgepos.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCT "4006381333931"
#define PRICE 129

static edgepos_node *node;

/* Ends the program where a call was not done. */
static void done(int32_t status, const char *what) {
    if (status < EDGEPOS_OK) {
        fprintf(stderr, "%s: %s (%s)\n", what, edgepos_status_text(status), edgepos_last_detail());
        exit(1);
    }
}

/* The number behind a field of an answer, which has it once. */
static int64_t number_of(const edgepos_text *answer, const char *field) {
    const char *at = strstr(edgepos_text_data(answer), field);
    return at ? (int64_t)strtoll(at + strlen(field), NULL, 10) : 0;
}

/* The text behind a field of an answer. */
static void text_of(const edgepos_text *answer, const char *field, char *out, size_t size) {
    const char *at = strstr(edgepos_text_data(answer), field);
    size_t length = at ? strcspn(at + strlen(field), "\"") : 0;
    if (length >= size) {
        length = size - 1;
    }
    memcpy(out, at ? at + strlen(field) : "", length);
    out[length] = '\0';
}

/* A till draws its names at random, and writes the key down before it asks. Here both follow from the number of the basket. */
static void name(char out[33], long long no, char kind) {
    snprintf(out, 33, "%c%031llx", kind, (unsigned long long)no);
}

static void receive(long long quantity) {
    char record[256];
    edgepos_text *event;
    snprintf(record, sizeof record,
             "{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"" PRODUCT "\",\"quantity\":%lld}]}",
             quantity);
    done(edgepos_node_record(node, record, strlen(record), &event), "receive");
    printf("received %lld\n", quantity);
    edgepos_text_free(event);
}

/* Whatever may be refused is refused here, before the customer pays. */
static int64_t begin(const char *basket, const char *doc_type, long long quantity, const char *original) {
    char draft[512];
    edgepos_text *begun;
    int64_t total;
    snprintf(draft, sizeof draft,
             "{\"basket\":\"%s\",\"doc_type\":\"%s\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"" PRODUCT
             "\",\"quantity\":%lld,\"unit_price\":%d,\"amount\":%lld%s}]}",
             basket, doc_type, quantity, PRICE, quantity * PRICE, original);
    done(edgepos_node_begin(node, draft, strlen(draft), &begun), "begin");
    total = number_of(begun, "\"total\":");
    edgepos_text_free(begun);
    return total;
}

/* Asked again with the same key, the sale is booked once and has one receipt. */
static edgepos_text *commit(const char *basket, const char *key, int64_t amount) {
    char payment[256];
    edgepos_text *booked;
    snprintf(payment, sizeof payment,
             "{\"basket\":\"%s\",\"key\":\"%s\",\"tenders\":[{\"kind\":\"cash\",\"amount\":%" PRId64 "}]}", basket, key, amount);
    done(edgepos_node_commit(node, payment, strlen(payment), &booked), "commit");
    return booked;
}

static void sell(long long no, const char *step) {
    char basket[33], key[33];
    edgepos_text *booked;
    int64_t total = 2 * PRICE;
    name(basket, no, 'b');
    name(key, no, 'a');
    if (strcmp(step, "again") != 0) {
        total = begin(basket, "sale", 2, "");
    }
    /* ... the customer pays ... */
    booked = commit(basket, key, total);
    if (strcmp(step, "kill") == 0) {
#ifdef SIGKILL
        raise(SIGKILL);
#endif
        abort();
    }
    printf("sold %lld total %" PRId64 " repeated %s\n", no, number_of(booked, "\"total\":"),
           strstr(edgepos_text_data(booked), "\"repeated\":true") ? "true" : "false");
    edgepos_text_free(booked);
}

static void take_back(long long no) {
    char basket[33], key[33], sold[33], original[96];
    edgepos_text *booked;
    name(sold, no, 'b');
    name(basket, no, 'd');
    name(key, no, 'c');
    snprintf(original, sizeof original, ",\"original\":{\"basket\":\"%s\",\"line\":1}", sold);
    booked = commit(basket, key, begin(basket, "return", -1, original));
    printf("returned %lld total %" PRId64 "\n", no, number_of(booked, "\"total\":"));
    edgepos_text_free(booked);
}

/* By card, in two steps: what the payment terminal is asked is on disk before it is asked, and what it said before the sale is booked. */
static void pay(long long no) {
    char basket[33], key[33], payment[33], record[256];
    edgepos_text *event, *open, *booked;
    int64_t total;
    name(basket, no, 'b');
    name(key, no, 'a');
    name(payment, no, 'c');
    total = begin(basket, "sale", 2, "");
    snprintf(record, sizeof record,
             "{\"type\":\"payment_intent\",\"payment\":\"%s\",\"basket\":\"%s\",\"kind\":\"card\",\"amount\":%" PRId64 "}", payment,
             basket, total);
    done(edgepos_node_record(node, record, strlen(record), &event), "intent");
    edgepos_text_free(event);
    /* ... the payment terminal is asked; after a crash in between this says so: */
    done(edgepos_node_unresolved_payments(node, &open), "unresolved payments");
    printf("asked for %lld %s\n", no, strstr(edgepos_text_data(open), payment) ? "unresolved" : "unknown");
    edgepos_text_free(open);
    snprintf(record, sizeof record,
             "{\"type\":\"payment_outcome\",\"payment\":\"%s\",\"basket\":\"%s\",\"state\":\"approved\",\"amount\":%" PRId64 "}",
             payment, basket, total);
    done(edgepos_node_record(node, record, strlen(record), &event), "outcome");
    edgepos_text_free(event);
    snprintf(record, sizeof record,
             "{\"basket\":\"%s\",\"key\":\"%s\",\"tenders\":[{\"kind\":\"card\",\"amount\":%" PRId64 ",\"payment\":\"%s\"}]}", basket,
             key, total, payment);
    done(edgepos_node_commit(node, record, strlen(record), &booked), "commit");
    printf("paid %lld total %" PRId64 "\n", no, number_of(booked, "\"total\":"));
    edgepos_text_free(booked);
}

static void receipt(long long no) {
    char basket[33], event[64], product[64];
    edgepos_text *receipts, *transaction;
    int32_t status = EDGEPOS_NOTHING;
    name(basket, no, 'b');
    done(edgepos_node_receipts_of_basket(node, basket, strlen(basket), &receipts), "receipts");
    text_of(receipts, "\"event\":\"", event, sizeof event);
    edgepos_text_free(receipts);
    /* Of a basket that was not booked there is none. */
    if (event[0] != '\0') {
        status = edgepos_node_transaction(node, event, strlen(event), &transaction);
        done(status, "receipt");
    }
    if (status != EDGEPOS_OK) {
        printf("receipt %lld unknown\n", no);
        return;
    }
    text_of(transaction, "\"product\":\"", product, sizeof product);
    printf("receipt %lld\n  %" PRId64 " x %s  %" PRId64 "\n  total %" PRId64 "\n", no,
           number_of(transaction, "\"quantity\":"), product, number_of(transaction, "\"amount\":"), number_of(transaction, "\"total\":"));
    edgepos_text_free(transaction);
}

static void notices(void) {
    edgepos_text *notice;
    int recorded = 0, others = 0;
    int32_t status;
    while ((status = edgepos_node_next_notice(node, 200, &notice)) == EDGEPOS_OK) {
        *(strstr(edgepos_text_data(notice), "\"notice\":\"recorded\"") ? &recorded : &others) += 1;
        edgepos_text_free(notice);
    }
    done(status, "notices");
    printf("notices %s %s\n", recorded > 0 ? "recorded" : "nothing", others > 0 ? "others" : "no others");
}

static void stock(void) {
    int64_t value = 0;
    done(edgepos_node_counter(node, EDGEPOS_STOCK, 0, EDGEPOS_ON_HAND, (const uint8_t *)PRODUCT, strlen(PRODUCT), &value), "stock");
    printf("stock %" PRId64 "\n", value);
}

static void wait_for_cloud(void) {
    uint64_t left = 0;
    done(edgepos_node_flush_until_uploaded(node, 30000, &left), "wait");
    printf("left %" PRIu64 "\n", left);
}

/* All pages as one: what each has between its brackets. */
static void counters(void) {
    char after[2 * EDGEPOS_MAX_KEY + 1] = "";
    int pages = 0;
    printf("counters {\"counters\":[");
    do {
        edgepos_text *page;
        const char *from, *to;
        done(edgepos_node_counters_after(node, EDGEPOS_ANY_COUNTER, after, strlen(after), &page), "counters");
        from = strchr(edgepos_text_data(page), '[') + 1;
        to = strstr(from, "],\"next\":");
        printf("%s", pages > 0 && from < to ? "," : "");
        fwrite(from, 1, (size_t)(to - from), stdout);
        text_of(page, "\"next\":\"", after, sizeof after);
        edgepos_text_free(page);
        pages += 1;
    } while (after[0] != '\0');
    printf("],\"next\":null}\n");
}

static void hold(void) {
    while (getchar() != EOF) {
    }
}

/* Does a step; how many arguments it took. */
static int step(const char *what, const char *argument) {
    long long no = argument ? strtoll(argument, NULL, 10) : 0;
    int plain = 1;
    if (strcmp(what, "notices") == 0) {
        notices();
    } else if (strcmp(what, "stock") == 0) {
        stock();
    } else if (strcmp(what, "wait") == 0) {
        wait_for_cloud();
    } else if (strcmp(what, "counters") == 0) {
        counters();
    } else if (strcmp(what, "hold") == 0) {
        hold();
    } else {
        plain = 0;
    }
    if (plain) {
        return 1;
    }
    if (argument && strcmp(what, "receive") == 0) {
        receive(no);
    } else if (argument && strcmp(what, "return") == 0) {
        take_back(no);
    } else if (argument && strcmp(what, "pay") == 0) {
        pay(no);
    } else if (argument && strcmp(what, "receipt") == 0) {
        receipt(no);
    } else if (argument && (strcmp(what, "sell") == 0 || strcmp(what, "kill") == 0 || strcmp(what, "again") == 0)) {
        sell(no, what);
    } else {
        fprintf(stderr, "%s: no such step, or it needs a number\n", what);
        exit(2);
    }
    return 2;
}

/* Reads a file whole. One that is too long is refused: cut off it may read as well, and be another till's. */
static size_t read_whole(const char *path, char *out, size_t size) {
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(out, 1, size, file) : 0;
    if (!file || ferror(file) || length == size) {
        fprintf(stderr, "%s: %s\n", path, length == size ? "it is too long" : "it cannot be read");
        exit(1);
    }
    fclose(file);
    return length;
}

int main(int argc, char **argv) {
    static char config[65536];
    size_t length;
    int at = 2;
    if (argc < 2 || edgepos_abi() != EDGEPOS_ABI) {
        fprintf(stderr, "usage: till CONFIG STEP..., with a library of interface %d\n", EDGEPOS_ABI);
        return 2;
    }
    length = read_whole(argv[1], config, sizeof config);
    done(edgepos_node_open(config, length, &node), "open");
    while (at < argc) {
        at += step(argv[at], at + 1 < argc ? argv[at + 1] : NULL);
        fflush(stdout);
    }
    done(edgepos_node_close(node, 0, NULL), "close");
    edgepos_node_free(node);
    return 0;
}
