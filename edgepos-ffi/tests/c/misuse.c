/* What a program does wrong is answered and harms nothing. Run plainly, under valgrind and with the sanitizers.
 *
 *     misuse CONFIG [MODELS JPEG]     where CONFIG is a file in TOML or JSON, MODELS the folder of the shipped models, and JPEG a picture of
 *                                     something without a barcode */

#include "expect.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASKET "00000000000000000000000000000001"

static edgepos_node *node;

static void *sells(void *unused) {
    int no;
    (void)unused;
    for (no = 0; no < 50; no += 1) {
        edgepos_text *answer = NULL;
        int32_t status = edgepos_node_status(node, &answer);
        if (status != EDGEPOS_OK && status != EDGEPOS_STOPPED && status != EDGEPOS_INVALID) {
            failures += 1;
        }
        edgepos_text_free(answer);
    }
    return NULL;
}

static void *waits(void *unused) {
    edgepos_text *answer = NULL;
    (void)unused;
    /* Ends when the terminal is closed by the other thread, long before the time is over. */
    while (edgepos_node_next_notice(node, 600000, &answer) == EDGEPOS_OK) {
        edgepos_text_free(answer);
    }
    return NULL;
}

static void arguments(void) {
    static const char not_utf8[] = {'{', (char)0xff, '}'};
    size_t large = 16u << 20;
    char *much = malloc(large);
    static const char outcome[] = "{\"type\":\"payment_outcome\",\"payment\":\"" BASKET "\",\"basket\":\"" BASKET "\",\"state\":\"approved\"}";
    static const char intent[] = "{\"type\":\"payment_intent\",\"payment\":\"12\",\"basket\":\"" BASKET "\",\"kind\":\"card\",\"amount\":1}";
    edgepos_text *answer = NULL;
    int64_t number = 42;
    memset(much, '[', large);

    EXPECT(edgepos_node_begin(node, NULL, 3, &answer), EDGEPOS_INVALID, "draft is NULL");
    EXPECT(edgepos_node_begin(node, "{}", 2, NULL), EDGEPOS_INVALID, "out is NULL");
    EXPECT(edgepos_node_begin(node, "{}", 2, &answer), EDGEPOS_BAD_REQUEST, "missing field");
    EXPECT(edgepos_node_begin(node, NULL, 0, &answer), EDGEPOS_BAD_REQUEST, "draft");
    EXPECT(edgepos_node_begin(node, not_utf8, sizeof not_utf8, &answer), EDGEPOS_INVALID, "not UTF-8");
    EXPECT(edgepos_node_begin(node, much, large, &answer), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_node_begin(node, "{}", SIZE_MAX, &answer), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_node_begin(node, much, 200000, &answer), EDGEPOS_BAD_REQUEST, "draft");
    EXPECT(edgepos_node_record(node, outcome, strlen(outcome), &answer), EDGEPOS_TENDERS, "payment");
    EXPECT(edgepos_node_record(node, intent, strlen(intent), &answer), EDGEPOS_BAD_REQUEST, "32 hexadecimal digits");
    EXPECT(edgepos_node_record(node, much, large, &answer), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_node_record(node, "{\"type\":\"nothing\"}", 18, &answer), EDGEPOS_BAD_REQUEST, "unknown variant");
    EXPECT(edgepos_node_abandon(node, "12", 2), EDGEPOS_BAD_REQUEST, "32 hexadecimal digits");
    EXPECT(edgepos_node_abandon(node, much, large), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_node_abandon(node, BASKET, 32), EDGEPOS_UNKNOWN_BASKET, "is not open");
    EXPECT(edgepos_node_park(node, BASKET, 32), EDGEPOS_UNKNOWN_BASKET, "");
    EXPECT(edgepos_node_claim(node, BASKET, 32, &answer), EDGEPOS_UNKNOWN_BASKET, "");
    EXPECT(edgepos_node_basket(node, BASKET, 32, &answer), EDGEPOS_NOTHING, "");
    EXPECT(edgepos_node_transaction(node, "1-0123456789ab/0:17", 19, &answer), EDGEPOS_NOTHING, "");
    EXPECT(edgepos_node_transactions(node, "{\"nobody\":1}", 12, NULL, 0, 10, &answer), EDGEPOS_BAD_REQUEST, "nobody");
    EXPECT(edgepos_node_counter(node, 70000, 0, 0, NULL, 0, &number), EDGEPOS_INVALID, "65535");
    EXPECT(edgepos_node_counter(node, EDGEPOS_STOCK, 0, 9, NULL, 0, &number), EDGEPOS_INVALID, "state");
    EXPECT(edgepos_node_counter(node, EDGEPOS_POINTS, 0, 0, (const uint8_t *)"nobody", 6, &number), EDGEPOS_NOTHING, "");
    EXPECT(edgepos_node_counters_after(node, EDGEPOS_ANY_COUNTER, "0g", 2, &answer), EDGEPOS_BAD_REQUEST, "hexadecimal");
    EXPECT(edgepos_node_report_condition(node, "nothing", 7, 1, "", 0), EDGEPOS_BAD_REQUEST, "nothing");
    EXPECT(edgepos_node_report_inference(node, 9, 0), EDGEPOS_INVALID, "9");
    EXPECT(edgepos_node_recognise(node, NULL, 9, 0, &answer), EDGEPOS_INVALID, "picture is NULL");
    EXPECT(edgepos_node_recognise(node, (const uint8_t *)much, large + 1, 0, &answer), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_node_recognise(node, (const uint8_t *)much, 9, 0, &answer), EDGEPOS_NO_MODEL, "edgepos_node_use_models");
    EXPECT(edgepos_node_score(node, "{}", 2, 0, &answer), EDGEPOS_BAD_REQUEST, "missing field");
    EXPECT(edgepos_node_use_models(node, "{\"folder\":\"x\",\"jobs\":[\"smell\"]}", 31), EDGEPOS_BAD_REQUEST, "smell");
    EXPECT(edgepos_node_use_models(node, "{\"folder\":\"nowhere\"}", 20), EDGEPOS_OK, "");
    EXPECT(edgepos_node_use_models(node, "{\"folder\":\"nowhere\"}", 20), EDGEPOS_BAD_REQUEST, "used already");
    EXPECT(edgepos_node_read_barcode(node, (const uint8_t *)much, 9, 60000, &answer), EDGEPOS_NO_MODEL, "nowhere");
    EXPECT(edgepos_node_hear(node, (const uint8_t *)much, large, 60000, &answer), EDGEPOS_BAD_REQUEST, "clip");
    EXPECT(edgepos_forecast("{\"days\":[{}]}", 13, &answer), EDGEPOS_BAD_REQUEST, "missing field");
    EXPECT(edgepos_forecast(NULL, 3, &answer), EDGEPOS_INVALID, "request is NULL");
    if (answer != NULL || number != 42) {
        fprintf(stderr, "an output was written by a call that was not done\n");
        failures += 1;
    }
    free(much);
}

/* Numbers at the ends of what they may be. */
static void numbers(void) {
    edgepos_text *answer = NULL;
    static const char bulk[] = "{\"basket\":\"" BASKET "\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"x\",\"quantity\":9223372036854775807,\"amount\":9223372036854775807},"
                               "{\"no\":2,\"product\":\"x\",\"quantity\":9223372036854775807,\"amount\":9223372036854775807}]}";
    static const char demand[] = "{\"days\":[{\"weekday\":9,\"sold\":1}]}";
    int32_t status = edgepos_node_begin(node, bulk, strlen(bulk), &answer);
    if (status >= EDGEPOS_OK || status == EDGEPOS_POISONED) {
        fprintf(stderr, "amounts that overflow: %d, %s\n", status, edgepos_last_detail());
        failures += 1;
    }
    EXPECT(edgepos_node_price(node, "x", 1, UINT16_MAX, UINT64_MAX, &answer), EDGEPOS_NOTHING, "");
    EXPECT(edgepos_node_product_at(node, "x", 1, UINT64_MAX, &answer), EDGEPOS_NOTHING, "");
    EXPECT(edgepos_node_write_off(node, UINT16_MAX) < EDGEPOS_OK, 1, "");
    EXPECT(edgepos_node_replace(node, 0, UINT32_MAX) < EDGEPOS_OK, 1, "");
    EXPECT(edgepos_node_admit(node, "0-000000000000", 14), EDGEPOS_BAD_REQUEST, "");
    EXPECT(edgepos_node_report_inference(node, EDGEPOS_ANSWERED, UINT64_MAX), EDGEPOS_OK, "");
    EXPECT(edgepos_node_report_condition(node, "model_missing", 13, UINT64_MAX, "", 0), EDGEPOS_OK, "");
    EXPECT(edgepos_node_report_condition(node, "model_missing", 13, 0, "", 0), EDGEPOS_OK, "");
    EXPECT(edgepos_forecast(demand, strlen(demand), &answer), EDGEPOS_BAD_REQUEST, "none of 0 to 6");
    if (answer != NULL) {
        fprintf(stderr, "an output was written by a call that was not done\n");
        failures += 1;
    }
    status = edgepos_node_day_figures(node, UINT32_MAX, UINT16_MAX, &answer);
    if (status == EDGEPOS_POISONED) {
        fprintf(stderr, "a day that is none: %s\n", edgepos_last_detail());
        failures += 1;
    }
    edgepos_text_free(answer);
    answer = NULL;
    status = edgepos_node_transactions(node, "{}", 2, NULL, 0, UINT32_MAX, &answer);
    if (status == EDGEPOS_POISONED) {
        fprintf(stderr, "a page without end: %s\n", edgepos_last_detail());
        failures += 1;
    }
    edgepos_text_free(answer);
}

static uint8_t media[1u << 20];

/* Reads a picture or a clip; how many bytes it has. */
static size_t sample(const char *name) {
    FILE *file = fopen(name, "rb");
    size_t length = file ? fread(media, 1, sizeof media, file) : 0;
    EXPECT(length > 0 ? EDGEPOS_OK : EDGEPOS_NOTHING, EDGEPOS_OK, "");
    if (file) {
        fclose(file);
    }
    return length;
}

/* A picture of each format and a clip that are cut off anywhere: what a person does without a model is the answer. */
static void cut_off(edgepos_node *till, const char *models, const char *jpeg) {
    static const size_t cut[] = {0, 1, 2, 4, 8, 33, 100, 5000};
    const uint8_t *picture = media;
    char text[4096];
    size_t length, at;
    edgepos_text *answer = NULL;
    snprintf(text, sizeof text, "{\"folder\":\"%s\",\"jobs\":[\"barcode\"],\"deadline_ms\":600000}", models);
    EXPECT(edgepos_node_use_models(till, text, strlen(text)), EDGEPOS_OK, "");
    length = sample(jpeg);
    for (at = 0; at <= sizeof cut / sizeof cut[0]; at += 1) {
        size_t bytes = at < sizeof cut / sizeof cut[0] ? cut[at] : length / 2;
        EXPECT(edgepos_node_read_barcode(till, picture, bytes, 600000, &answer), EDGEPOS_OK, "");
        /* Behind its headers a JPEG is looked at as far as it goes. */
        if (bytes <= 100 && !strstr(edgepos_text_data(answer), "\"code\":\"decode\"")) {
            fprintf(stderr, "a JPEG cut off after %zu bytes: %s\n", bytes, edgepos_text_data(answer));
            failures += 1;
        }
        edgepos_text_free(answer);
        answer = NULL;
    }
    /* There is no code on it, which is not that it cannot be read. */
    EXPECT(edgepos_node_read_barcode(till, picture, length, 600000, &answer), EDGEPOS_OK, "");
    if (!strstr(edgepos_text_data(answer), "\"outcome\":\"fallback\"") || strstr(edgepos_text_data(answer), "\"code\":\"decode\"")) {
        fprintf(stderr, "the whole JPEG: %s\n", edgepos_text_data(answer));
        failures += 1;
    }
    edgepos_text_free(answer);
    answer = NULL;

    snprintf(text, sizeof text, "%s/samples/refund.wav", models);
    sample(text);
    for (at = 0; cut[at] < 44; at += 1) {
        EXPECT(edgepos_node_hear(till, media, cut[at], 600000, &answer), EDGEPOS_BAD_REQUEST, "clip");
    }

    snprintf(text, sizeof text, "%s/samples/barcode.png", models);
    length = sample(text);
    for (at = 0; at < sizeof cut / sizeof cut[0]; at += 1) {
        EXPECT(edgepos_node_read_barcode(till, picture, cut[at] < length ? cut[at] : length / 2, 600000, &answer), EDGEPOS_OK, "");
        if (!strstr(edgepos_text_data(answer), "\"outcome\":\"fallback\"") || !strstr(edgepos_text_data(answer), "\"code\":\"decode\"")) {
            fprintf(stderr, "cut off after %zu bytes: %s\n", cut[at], edgepos_text_data(answer));
            failures += 1;
        }
        edgepos_text_free(answer);
        answer = NULL;
    }
    EXPECT(edgepos_node_read_barcode(till, picture, length, 600000, &answer), EDGEPOS_OK, "");
    if (!strstr(edgepos_text_data(answer), "04006381333931")) {
        fprintf(stderr, "the whole picture: %s\n", edgepos_text_data(answer));
        failures += 1;
    }
    edgepos_text_free(answer);
}

static void handles(void) {
    edgepos_text *text = NULL, *made_up = (edgepos_text *)(uintptr_t)0xdeadbeef;
    edgepos_events *events = NULL;
    EXPECT(edgepos_node_status(NULL, &text), EDGEPOS_INVALID, "node is NULL");
    EXPECT(edgepos_node_status((edgepos_node *)(uintptr_t)0xdeadbeef, &text), EDGEPOS_INVALID, "no living handle");
    EXPECT(edgepos_node_status(node, &text), EDGEPOS_OK, "");
    EXPECT(edgepos_node_status((edgepos_node *)(void *)text, NULL), EDGEPOS_INVALID, "no living handle");
    edgepos_text_free(text);
    edgepos_text_free(text);
    edgepos_text_free(made_up);
    edgepos_text_free(NULL);
    edgepos_node_free(NULL);
    edgepos_events_free(NULL);
    if (edgepos_text_data(text) != NULL || edgepos_text_length(text) != 0 || edgepos_text_data(NULL) != NULL) {
        failures += 1;
    }
    EXPECT(edgepos_node_events_since(node, "[]", 2, 0, &events), EDGEPOS_BAD_REQUEST, "cursor");
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &events), EDGEPOS_OK, "");
    EXPECT(edgepos_events_next(events, 10000, &text), EDGEPOS_END, "");
    EXPECT(edgepos_events_skip(events, &text), EDGEPOS_NOTHING, "");
    edgepos_events_free(events);
    edgepos_events_free(events);
    EXPECT(edgepos_events_next(events, 0, &text), EDGEPOS_INVALID, "no living handle");
    if (strcmp(edgepos_status_text(12345), "unknown status") != 0) {
        failures += 1;
    }
}

/* What a thread needs that calls. */
#define STACK ((size_t)256 << 10)

static void *calls(void *unused) {
    (void)unused;
    arguments();
    numbers();
    handles();
    return NULL;
}

int main(int argc, char **argv) {
    static char config[65536];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    pthread_t threads[3];
    pthread_attr_t small;
    edgepos_node *second = NULL;
    edgepos_events *following = NULL;
    edgepos_text *text = NULL;
    uint64_t left = 0;
    int at;
    if (!file) {
        return 2;
    }
    fclose(file);
    EXPECT(edgepos_node_open(NULL, 10, &node), EDGEPOS_INVALID, "config is NULL");
    EXPECT(edgepos_node_open(config, length, NULL), EDGEPOS_INVALID, "out is NULL");
    EXPECT(edgepos_node_open("{\"terminal\":1}", 14, &node), EDGEPOS_SETUP, "missing field");
    EXPECT(edgepos_node_open("terminal = 1", 12, &node), EDGEPOS_SETUP, "missing field");
    EXPECT(edgepos_node_open("\n", 1, &node), EDGEPOS_SETUP, "");
    EXPECT(edgepos_node_open(config, length, &node), EDGEPOS_OK, "");
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_create(&threads[0], &small, calls, NULL);
    pthread_join(threads[0], NULL);
    pthread_attr_destroy(&small);
    EXPECT(edgepos_node_events_since(node, NULL, 0, 1, &following), EDGEPOS_OK, "");

    pthread_create(&threads[0], NULL, sells, NULL);
    pthread_create(&threads[1], NULL, sells, NULL);
    pthread_create(&threads[2], NULL, waits, NULL);
    EXPECT(edgepos_node_close(node, 0, &left), EDGEPOS_OK, "");
    for (at = 0; at < 3; at += 1) {
        pthread_join(threads[at], NULL);
    }
    EXPECT(edgepos_node_close(node, 0, &left), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_node_status(node, &text), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_node_flush(node), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_node_step_down(node), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_node_address(node, &text), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_node_use_models(node, "{\"folder\":\"x\"}", 14), EDGEPOS_STOPPED, "closed");
    EXPECT(edgepos_events_next(following, 10000, &text), EDGEPOS_STOPPED, "");
    EXPECT(edgepos_events_skip(following, &text), EDGEPOS_STOPPED, "");
    edgepos_node_free(node);
    edgepos_node_free(node);
    EXPECT(edgepos_node_status(node, &text), EDGEPOS_INVALID, "no living handle");
    EXPECT(edgepos_node_close(node, 0, &left), EDGEPOS_INVALID, "no living handle");
    edgepos_events_free(following);

    /* One that is freed without being closed ends as in a crash; the next one opens the same files. */
    EXPECT(edgepos_node_open(config, length, &second), EDGEPOS_OK, "");
    if (argc > 3) {
        cut_off(second, argv[2], argv[3]);
    }
    edgepos_node_free(second);
    printf("%d failures\n", failures);
    return failures != 0;
}
