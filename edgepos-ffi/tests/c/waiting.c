/* Threads that wait while what they wait for is closed or freed, readings that are cut off, places to go on from that are another store's or
 * made up, times that never end, and a second terminal on the same file. Run plainly, under valgrind and with the sanitizers.
 *
 *     waiting CONFIG [MODELS]     where CONFIG is a file in TOML or JSON */

#include "expect.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Threads that record at once, and events of each: together more than are read ahead of a reader. */
#define WRITERS 8
#define EVENTS 50
/* In front of a position. */
#define FAR "999999999999"
#define BASKET "000000000000000000000000000000b1"
#define KEY "000000000000000000000000000000a1"
#define DRAFT "{\"basket\":\"" BASKET "\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"milk\",\"quantity\":2,\"amount\":258}]}"
#define PAYMENT "{\"basket\":\"" BASKET "\",\"key\":\"" KEY "\",\"tenders\":[{\"kind\":\"cash\",\"amount\":258}]}"

static char config[65536];
static size_t config_length;
static edgepos_node *node;
static edgepos_events *reading;
static volatile int flushing;

static edgepos_node *open_till(void) {
    edgepos_node *opened = NULL;
    EXPECT(edgepos_node_open(config, config_length, &opened), EDGEPOS_OK, "");
    if (!opened) {
        exit(1);
    }
    return opened;
}

static void *records(void *unused) {
    static const char record[] = "{\"type\":\"stock_received\",\"from\":\"dairy\",\"lines\":[{\"product\":\"milk\",\"quantity\":1}]}";
    int no;
    (void)unused;
    for (no = 0; no < EVENTS; no += 1) {
        edgepos_text *event = NULL;
        if (edgepos_node_record(node, record, strlen(record), &event) != EDGEPOS_OK) {
            return &failures;
        }
        edgepos_text_free(event);
    }
    return NULL;
}

static void fill(void) {
    pthread_t writers[WRITERS];
    int at;
    for (at = 0; at < WRITERS; at += 1) {
        pthread_create(&writers[at], NULL, records, NULL);
    }
    for (at = 0; at < WRITERS; at += 1) {
        void *failed = NULL;
        pthread_join(writers[at], &failed);
        EXPECT(failed == NULL ? EDGEPOS_OK : EDGEPOS_STOPPED, EDGEPOS_OK, "");
    }
}

/* Reads on; how many events came before the status that ended it. */
static int read_all(edgepos_events *events, int32_t *ended) {
    edgepos_text *event = NULL;
    int count = 0;
    while ((*ended = edgepos_events_next(events, 60000, &event)) == EDGEPOS_OK) {
        edgepos_text_free(event);
        count += 1;
    }
    return count;
}

/* "Everything was read" is said when everything was read, and never of a reading that was cut off: somebody's books would lack the rest. */
static void cut_off(void) {
    edgepos_events *whole = NULL, *closed = NULL, *freed = NULL;
    edgepos_text *event = NULL;
    int32_t ended = 0;
    int all, some;
    node = open_till();
    fill();
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &whole), EDGEPOS_OK, "");
    all = read_all(whole, &ended);
    EXPECT(ended, EDGEPOS_END, "");
    EXPECT(edgepos_events_next(whole, 0, &event), EDGEPOS_END, "");
    EXPECT(all >= WRITERS * EVENTS, 1, "");
    edgepos_events_free(whole);

    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &closed), EDGEPOS_OK, "");
    EXPECT(edgepos_node_close(node, 0, NULL), EDGEPOS_OK, "");
    some = read_all(closed, &ended);
    EXPECT(ended, some < all ? EDGEPOS_STOPPED : EDGEPOS_END, "");
    EXPECT(edgepos_events_next(closed, 0, &event), ended, "");
    edgepos_events_free(closed);
    edgepos_node_free(node);

    node = open_till();
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &freed), EDGEPOS_OK, "");
    EXPECT(edgepos_events_next(freed, 60000, &event), EDGEPOS_OK, "");
    edgepos_text_free(event);
    edgepos_node_free(node);
    some = read_all(freed, &ended);
    EXPECT(some + 1 < all, 1, "");
    EXPECT(ended, EDGEPOS_STOPPED, "");
    EXPECT(edgepos_events_next(freed, 0, &event), EDGEPOS_STOPPED, "");
    /* Up to where it came stays known. */
    EXPECT(edgepos_events_cursor(freed, &event), EDGEPOS_OK, "");
    edgepos_text_free(event);
    edgepos_events_free(freed);
}

/* What a thread that waits without end was answered. */
static void *waits_for_notices(void *status) {
    edgepos_text *notice = NULL;
    do {
        notice = NULL;
        *(int32_t *)status = edgepos_node_next_notice(node, UINT64_MAX, &notice);
        edgepos_text_free(notice);
        /* The other thread may be inside, for a moment. */
    } while (*(int32_t *)status == EDGEPOS_OK || *(int32_t *)status == EDGEPOS_BUSY);
    return NULL;
}

static void *waits_for_events(void *status) {
    edgepos_text *event = NULL;
    do {
        event = NULL;
        *(int32_t *)status = edgepos_events_next(reading, UINT64_MAX, &event);
        edgepos_text_free(event);
        /* The other thread may be inside, for a moment. */
    } while (*(int32_t *)status == EDGEPOS_OK || *(int32_t *)status == EDGEPOS_BUSY);
    return NULL;
}

/* Until another thread is inside: it is answered that they are in use. */
static void until_busy(int notices) {
    edgepos_text *text = NULL;
    int32_t status;
    do {
        status = notices ? edgepos_node_next_notice(node, 0, &text) : edgepos_events_next(reading, 0, &text);
        if (status == EDGEPOS_OK) {
            edgepos_text_free(text);
        }
        sched_yield();
    } while (status >= EDGEPOS_OK);
    EXPECT(status, EDGEPOS_BUSY, "another thread uses");
}

/* Whoever waits is told when what it waits for is no more: `how` it ends is chosen. */
enum ends { CLOSED, FREED, READING_FREED };

static void wakes(enum ends how) {
    pthread_t notices, events;
    int32_t of_notices = 42, of_events = 42;
    uint64_t left = 0;
    node = open_till();
    EXPECT(edgepos_node_events_since(node, NULL, 0, 1, &reading), EDGEPOS_OK, "");
    pthread_create(&notices, NULL, waits_for_notices, &of_notices);
    pthread_create(&events, NULL, waits_for_events, &of_events);
    until_busy(1);
    until_busy(0);
    switch (how) {
    case CLOSED:
        EXPECT(edgepos_node_close(node, 0, &left), EDGEPOS_OK, "");
        break;
    case FREED:
        edgepos_node_free(node);
        break;
    case READING_FREED:
        edgepos_events_free(reading);
        pthread_join(events, NULL);
        edgepos_node_free(node);
        break;
    }
    pthread_join(notices, NULL);
    if (how != READING_FREED) {
        pthread_join(events, NULL);
    }
    /* A call that begins behind the end of its handle does not know it any more. */
    EXPECT(of_notices == EDGEPOS_STOPPED || (how != CLOSED && of_notices == EDGEPOS_INVALID), 1, "");
    EXPECT(of_events == EDGEPOS_STOPPED || (how == READING_FREED && of_events == EDGEPOS_INVALID), 1, "");
    edgepos_events_free(reading);
    edgepos_node_free(node);
}

static void *closes_without_end(void *status) {
    uint64_t left = 42;
    *(int32_t *)status = edgepos_node_close(node, UINT64_MAX, &left);
    return NULL;
}

static void *flushes_without_end(void *status) {
    uint64_t left = 42;
    *(int32_t *)status = edgepos_node_flush_until_uploaded(node, UINT64_MAX, &left);
    return NULL;
}

/* A cloud that never answers is waited for as long as somebody wants, and no longer. */
static void patience(void) {
    pthread_t closes, flushes;
    int32_t closed = 42, flushed = 42;
    uint64_t left = 0;
    node = open_till();
    EXPECT(edgepos_node_flush_until_uploaded(node, 0, &left), EDGEPOS_OK, "");
    EXPECT(left >= WRITERS * EVENTS, 1, "");
    pthread_create(&flushes, NULL, flushes_without_end, &flushed);
    pthread_create(&closes, NULL, closes_without_end, &closed);
    left = 0;
    EXPECT(edgepos_node_close(node, 0, &left), EDGEPOS_OK, "");
    EXPECT(left >= WRITERS * EVENTS, 1, "");
    pthread_join(closes, NULL);
    pthread_join(flushes, NULL);
    EXPECT(closed, EDGEPOS_STOPPED, "");
    EXPECT(flushed, EDGEPOS_STOPPED, "");
    edgepos_node_free(node);
}

static void *flushes_as_it_says(void *answer) {
    uint64_t left = 0;
    flushing = 1;
    *(int32_t *)answer = edgepos_node_flush_until_uploaded(node, UINT64_MAX, &left);
    return NULL;
}

/* The same where it is freed under the call: its files are free when that has ended. A thread that was held up before its call is too late,
 * and is tried again. */
static void freed_under_a_flush(void) {
    int32_t flushed = EDGEPOS_INVALID;
    int tries, at;
    for (tries = 0; flushed == EDGEPOS_INVALID && tries < 200; tries += 1) {
        pthread_t flushes;
        node = open_till();
        flushing = 0;
        pthread_create(&flushes, NULL, flushes_as_it_says, &flushed);
        while (!flushing) {
            sched_yield();
        }
        for (at = 0; at < 100; at += 1) {
            sched_yield();
        }
        edgepos_node_free(node);
        pthread_join(flushes, NULL);
    }
    EXPECT(flushed, EDGEPOS_STOPPED, "");
    node = open_till();
    EXPECT(edgepos_node_close(node, 0, NULL), EDGEPOS_OK, "");
    edgepos_node_free(node);
}

/* Where to go on from: another store's, none that ever was, and behind the last page. */
static void places(void) {
    static const char elsewhere[] = "{\"7-0123456789ab/0\":18446744073709551615,\"9-00000000000f/1\":3}";
    static const char *const wrong[] = {"{\"x\":1}", "{\"7-0123456789ab/0\":-1}", "{\"7-0123456789ab/0\":18446744073709551616}", "[]", "7"};
    edgepos_events *events = NULL;
    edgepos_text *text = NULL, *cursor = NULL;
    int32_t ended = 0;
    size_t at;
    char beyond[1024], *to;
    const char *from;
    node = open_till();
    for (at = 0; at < sizeof wrong / sizeof wrong[0]; at += 1) {
        EXPECT(edgepos_node_events_since(node, wrong[at], strlen(wrong[at]), 0, &events), EDGEPOS_BAD_REQUEST, "");
        EXPECT(edgepos_node_transactions(node, NULL, 0, wrong[at], strlen(wrong[at]), 9, &text), EDGEPOS_BAD_REQUEST, "");
    }
    EXPECT(edgepos_node_begin(node, DRAFT, strlen(DRAFT), &text), EDGEPOS_OK, "");
    edgepos_text_free(text);
    EXPECT(edgepos_node_commit(node, PAYMENT, strlen(PAYMENT), &text), EDGEPOS_OK, "");
    edgepos_text_free(text);
    /* What another store has is none of this one's, which are all read. */
    EXPECT(edgepos_node_events_since(node, elsewhere, strlen(elsewhere), 0, &events), EDGEPOS_OK, "");
    EXPECT(read_all(events, &ended) > WRITERS * EVENTS, 1, "");
    EXPECT(ended, EDGEPOS_END, "");
    edgepos_events_free(events);
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &events), EDGEPOS_OK, "");
    EXPECT(read_all(events, &ended) > WRITERS * EVENTS, 1, "");
    EXPECT(edgepos_events_cursor(events, &cursor), EDGEPOS_OK, "");
    edgepos_events_free(events);
    EXPECT(edgepos_node_transactions(node, NULL, 0, elsewhere, strlen(elsewhere), 9, &text), EDGEPOS_OK, "");
    EXPECT(strncmp(edgepos_text_data(text), "{\"transactions\":[],\"next\":null}", 31), 0, "");
    edgepos_text_free(text);
    /* The chains of this store, far behind their ends: the first page, and no search of all that might be between. */
    for (from = edgepos_text_data(cursor), to = beyond; *from && to < beyond + sizeof beyond - sizeof FAR; from += 1) {
        *to++ = *from;
        if (from[0] == ':' && from[-1] == '"') {
            memcpy(to, FAR, sizeof FAR - 1);
            to += sizeof FAR - 1;
        }
    }
    *to = '\0';
    EXPECT(edgepos_node_transactions(node, NULL, 0, beyond, strlen(beyond), 0, &text), EDGEPOS_OK, "");
    EXPECT(strstr(edgepos_text_data(text), BASKET) != NULL, 1, "");
    edgepos_text_free(text);
    EXPECT(edgepos_node_events_since(node, beyond, strlen(beyond), 0, &events), EDGEPOS_OK, "");
    EXPECT(edgepos_events_next(events, 60000, &text), EDGEPOS_END, "");
    edgepos_events_free(events);
    edgepos_text_free(cursor);
    EXPECT(edgepos_node_counters_after(node, EDGEPOS_STOCK, "ffff", 4, &text), EDGEPOS_BAD_REQUEST, "no row");
    EXPECT(edgepos_node_exceptions_after(node, "ffffffffffffffffff", 18, &text), EDGEPOS_OK, "");
    EXPECT(strcmp(edgepos_text_data(text), "{\"exceptions\":[],\"next\":null}"), 0, "");
    edgepos_text_free(text);
    EXPECT(edgepos_node_open_exceptions_after(node, "ff", 2, &text), EDGEPOS_OK, "");
    edgepos_text_free(text);
    EXPECT(edgepos_node_resolutions(node, "0-000000000000/0:18446744073709551615", 37, &text), EDGEPOS_OK, "");
    EXPECT(strcmp(edgepos_text_data(text), "{\"resolutions\":[],\"next\":null}"), 0, "");
    edgepos_text_free(text);
    edgepos_node_free(node);
}

/* One file is one terminal's, also in one process, and an address is one terminal's as well. */
static void twice(void) {
    edgepos_node *second = NULL;
    edgepos_text *address = NULL;
    char other[65536 + 64];
    char *listen;
    node = open_till();
    EXPECT(edgepos_node_open(config, config_length, &second), EDGEPOS_SETUP, "");
    EXPECT(edgepos_node_address(node, &address), EDGEPOS_OK, "");
    snprintf(other, sizeof other, "%s", config);
    listen = strstr(other, "127.0.0.1:0");
    if (listen) {
        char behind[65536];
        snprintf(behind, sizeof behind, "%s", listen + strlen("127.0.0.1:0"));
        snprintf(listen, sizeof other - (size_t)(listen - other), "%s%s", edgepos_text_data(address), behind);
        EXPECT(edgepos_node_open(other, strlen(other), &second), EDGEPOS_SETUP, "");
    }
    edgepos_text_free(address);
    EXPECT(second == NULL, 1, "");
    edgepos_node_free(node);
}

/* A key that is in use for another basket is told from a draft that does not read, and why is still said when what is not needed is freed. */
static void keys(void) {
    static const char other[] = "{\"basket\":\"000000000000000000000000000000b2\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"milk\",\"quantity\":1,\"amount\":129}]}";
    static const char paid[] = "{\"basket\":\"000000000000000000000000000000b2\",\"key\":\"" KEY "\",\"tenders\":[{\"kind\":\"cash\",\"amount\":129}]}";
    edgepos_text *begun = NULL, *booked = NULL;
    edgepos_events *events = NULL;
    int32_t status;
    node = open_till();
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &events), EDGEPOS_OK, "");
    EXPECT(edgepos_node_begin(node, other, strlen(other), &begun), EDGEPOS_OK, "");
    status = edgepos_node_commit(node, paid, strlen(paid), &booked);
    edgepos_text_free(begun);
    edgepos_events_free(events);
    edgepos_node_free(NULL);
    EXPECT(status, EDGEPOS_BOOKED, "it is the key of basket " BASKET);
    EXPECT(booked == NULL, 1, "");
    EXPECT(edgepos_node_commit(node, PAYMENT, strlen(PAYMENT), &booked), EDGEPOS_OK, "");
    EXPECT(strstr(edgepos_text_data(booked), "\"repeated\":true") != NULL, 1, "");
    edgepos_text_free(booked);
    edgepos_node_free(node);
}

int main(int argc, char **argv) {
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    config_length = file ? fread(config, 1, sizeof config - 1, file) : 0;
    if (!file) {
        return 2;
    }
    fclose(file);
    cut_off();
    wakes(CLOSED);
    wakes(FREED);
    wakes(READING_FREED);
    patience();
    freed_under_a_flush();
    places();
    twice();
    keys();
    printf("%d failures\n", failures);
    return failures != 0;
}
