/* Makes the calls of a script, one a line, and prints what each answers: what the other languages' programs beside it do.
 *
 *     calls CONFIG SCRIPT
 *
 * A line is a call and its arguments, with tabs between. `$event` is the event that was recorded or booked last, and U+2400 a zero byte. */

#include <edgepos.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8

struct text {
    char bytes[1 << 16];
    size_t length;
};

static edgepos_node *node;
static struct text given[MOST];
static char event[128];

#define T(at) given[at].bytes, given[at].length
#define BYTES(at) (const uint8_t *)given[at].bytes, given[at].length

static uint64_t number(int at) { return strtoull(given[at].bytes, NULL, 10); }
static uint32_t word(int at) { return (uint32_t)number(at); }
static uint16_t small(int at) { return (uint16_t)number(at); }

/* Hexadecimal digits as the bytes that they stand for. */
static void bytes(int at) {
    size_t from;
    for (from = 0; from + 1 < given[at].length; from += 2) {
        char digits[3] = {given[at].bytes[from], given[at].bytes[from + 1], '\0'};
        given[at].bytes[from / 2] = (char)strtoul(digits, NULL, 16);
    }
    given[at].length /= 2;
}

static void say(const char *call, int32_t status, edgepos_text *answer) {
    if (status < EDGEPOS_OK) {
        printf("%s\trefused %" PRId32 " %s\n", call, status, edgepos_last_detail());
    } else if (status != EDGEPOS_OK) {
        printf("%s\tnothing\n", call);
    } else if (answer == NULL) {
        printf("%s\tdone\n", call);
    } else {
        const char *said = edgepos_text_data(answer), *name = strstr(said, "\"event\":\"");
        printf("%s\t%s\n", call, said);
        if (strcmp(call, "record") == 0) {
            snprintf(event, sizeof event, "%.100s", said);
        } else if (strcmp(call, "commit") == 0 && name) {
            snprintf(event, sizeof event, "%.*s", (int)strcspn(name + 9, "\""), name + 9);
        }
        edgepos_text_free(answer);
    }
}

static void say_number(const char *call, int32_t status, int64_t answer) {
    if (status == EDGEPOS_OK) {
        printf("%s\t%" PRId64 "\n", call, answer);
    } else {
        say(call, status, NULL);
    }
}

static void events_since(void) {
    edgepos_events *events = NULL;
    edgepos_text *one = NULL, *skipped = NULL;
    int32_t status = edgepos_node_events_since(node, T(1), 0, &events);
    int count = 0;
    if (status != EDGEPOS_OK) {
        say("events_since", status, NULL);
        return;
    }
    while ((status = edgepos_events_next(events, 60000, &one)) == EDGEPOS_OK || status == EDGEPOS_DAMAGED) {
        if (status == EDGEPOS_OK) {
            edgepos_text_free(one);
            count += 1;
        } else if (skipped || edgepos_events_skip(events, &skipped) != EDGEPOS_OK) {
            break;
        }
    }
    printf("events_since\t%s\n", count > 0 ? "some" : "none");
    if (skipped) {
        say("skipped", EDGEPOS_OK, skipped);
    }
    status = edgepos_events_cursor(events, &one);
    say("cursor", status, one);
    edgepos_events_free(events);
}

#define IS(name) (strcmp(call, name) == 0)
#define ASK(name) if (IS(#name)) { status = edgepos_node_##name(node, T(1), &out); say(call, status, out); return; }
#define SHOW(name) if (IS(#name)) { status = edgepos_node_##name(node, &out); say(call, status, out); return; }
#define DO(name) if (IS(#name)) { say(call, edgepos_node_##name(node, T(1)), NULL); return; }
#define LOOK(name) if (IS(#name)) { bytes(1); status = edgepos_node_##name(node, BYTES(1), number(2), &out); say(call, status, out); return; }

static void make(const char *call) {
    edgepos_text *out = NULL;
    int32_t status, safe = 0;
    int64_t value = 0;
    uint64_t left = 0;
    uint32_t level = 0;
    ASK(begin) ASK(update) ASK(commit) ASK(record) ASK(claim) ASK(basket) ASK(document) ASK(customer) ASK(documents) ASK(attachments)
    ASK(attachment) ASK(receipts_of_basket) ASK(receipts_of_key) ASK(transaction) ASK(event) ASK(product) ASK(exceptions_after)
    ASK(open_exceptions_after) ASK(resolve) ASK(resolutions)
    SHOW(unresolved) SHOW(unresolved_payments) SHOW(status) SHOW(diagnosis) SHOW(elections) SHOW(lost) SHOW(metrics) SHOW(address)
    DO(abandon) DO(park) DO(keep_key) DO(admit) DO(retire) DO(use_models) DO(signed)
    LOOK(recognise) LOOK(read_barcode) LOOK(hear)
    if (IS("score")) {
        status = edgepos_node_score(node, T(1), number(2), &out);
    } else if (IS("forecast")) {
        status = edgepos_forecast(T(1), &out);
    } else if (IS("transactions")) {
        status = edgepos_node_transactions(node, T(1), T(2), word(3), &out);
    } else if (IS("counters_after")) {
        status = edgepos_node_counters_after(node, word(1), T(2), &out);
    } else if (IS("product_at")) {
        status = edgepos_node_product_at(node, T(1), number(2), &out);
    } else if (IS("day_figures")) {
        status = edgepos_node_day_figures(node, word(1), small(2), &out);
    } else if (IS("price")) {
        status = edgepos_node_price(node, T(1), small(2), number(3), &out);
    } else if (IS("next_notice")) {
        status = edgepos_node_next_notice(node, number(1), &out);
    } else if (IS("next_to_sign")) {
        status = edgepos_node_next_to_sign(node, number(1), &out);
    } else if (IS("report_condition")) {
        status = edgepos_node_report_condition(node, T(1), number(2), T(3));
    } else if (IS("report_inference")) {
        status = edgepos_node_report_inference(node, word(1), number(2));
    } else if (IS("replace")) {
        status = edgepos_node_replace(node, small(1), word(2));
    } else if (IS("write_off")) {
        status = edgepos_node_write_off(node, small(1));
    } else if (IS("flush")) {
        status = edgepos_node_flush(node);
    } else if (IS("step_down")) {
        status = edgepos_node_step_down(node);
    } else if (IS("events_since")) {
        events_since();
        return;
    } else if (IS("counter")) {
        bytes(2);
        status = edgepos_node_counter(node, word(1), word(3), word(4), BYTES(2), &value);
        say_number(call, status, value);
        return;
    } else if (IS("durability")) {
        status = edgepos_node_durability(node, T(1), &safe);
        say_number(call, status, safe);
        return;
    } else if (IS("raise_level")) {
        status = edgepos_node_raise_level(node, &level);
        say_number(call, status, level);
        return;
    } else if (IS("flush_until_uploaded")) {
        status = edgepos_node_flush_until_uploaded(node, number(1), &left);
        say_number(call, status, left > 0);
        return;
    } else if (IS("close")) {
        status = edgepos_node_close(node, number(1), &left);
        say_number(call, status, left > 0);
        return;
    } else {
        printf("%s is no call\n", call);
        exit(3);
    }
    say(call, status, out);
}

/* Adds to an argument what a piece of a line stands for; how much of the line that was. */
static size_t add(struct text *to, const char *from) {
    if (strncmp(from, "\xe2\x90\x80", 3) == 0) {
        to->bytes[to->length++] = '\0';
        return 3;
    }
    if (strncmp(from, "$event", 6) == 0) {
        memcpy(to->bytes + to->length, event, strlen(event));
        to->length += strlen(event);
        return 6;
    }
    to->bytes[to->length++] = *from;
    return 1;
}

int main(int argc, char **argv) {
    static char config[65536], line[65536];
    FILE *file = argc > 2 ? fopen(argv[1], "rb") : NULL, *script = argc > 2 ? fopen(argv[2], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    if (!file || !script || edgepos_node_open(config, length, &node) != EDGEPOS_OK) {
        return 2;
    }
    fclose(file);
    while (fgets(line, sizeof line, script)) {
        const char *from = line;
        int count = 0, at;
        for (at = 0; at < MOST; at += 1) {
            given[at].length = 0;
        }
        while (*from && *from != '\n') {
            if (*from == '\t') {
                count += 1;
                from += 1;
            } else {
                from += add(&given[count], from);
            }
        }
        for (at = 0; at < MOST; at += 1) {
            given[at].bytes[given[at].length] = '\0';
        }
        make(given[0].bytes);
    }
    fclose(script);
    edgepos_node_free(node);
    return 0;
}
