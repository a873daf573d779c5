/* What a program with a loop of its own does wrong is answered and harms nothing: a store that lies or calls back while it is read, duties
 * done in the wrong order or twice, two threads at once, times that no clock shows. Run plainly, under valgrind and with the sanitizers. */

#include "expect.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG "terminal = 1\nstore = \"07070707070707070707070707070707\"\ndatabase = \"-\"\nlisten = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n"
#define BASKET "000000000000000000000000000000b1"
#define WALL UINT64_C(1700000000000)

static edgepos_terminal *living;

static int32_t start(edgepos_scan scan, void *user, edgepos_terminal **out) {
    return edgepos_terminal_new(CONFIG, strlen(CONFIG), 1, WALL, 7, 0, scan, user, out);
}

/* Stores that a program should not have. */

static int32_t fails(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                     uint32_t max_bytes, edgepos_rows *rows) {
    (void)user, (void)space, (void)from, (void)from_length, (void)to, (void)to_length, (void)max_bytes, (void)rows;
    return 5;
}

/* The same row whatever is asked: a loop that looks for the next one would not end. */
static int32_t repeats(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                       uint32_t max_bytes, edgepos_rows *rows) {
    (void)user, (void)space, (void)from, (void)from_length, (void)to, (void)to_length, (void)max_bytes;
    return edgepos_rows_add(rows, (const uint8_t *)"", 0, (const uint8_t *)"x", 1);
}

/* Bytes that no terminal has written. */
static int32_t lies(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                    uint32_t max_bytes, edgepos_rows *rows) {
    static const uint8_t key[64] = {1}, value[300] = {0xff};
    (void)user, (void)space, (void)from, (void)to, (void)to_length, (void)max_bytes;
    if (from_length > 0) {
        return 0;
    }
    return edgepos_rows_add(rows, key, sizeof key, value, sizeof value);
}

static edgepos_rows *kept;

/* Does what is forbidden with the rows, and keeps them for later. */
static int32_t frees(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                     uint32_t max_bytes, edgepos_rows *rows) {
    (void)user, (void)space, (void)from, (void)from_length, (void)to, (void)to_length, (void)max_bytes;
    EXPECT(edgepos_rows_add(rows, NULL, 3, NULL, 0), EDGEPOS_INVALID, "key is NULL");
    EXPECT(edgepos_rows_add(rows, (const uint8_t *)"b", 1, NULL, 0), EDGEPOS_OK, "");
    EXPECT(edgepos_rows_add(rows, (const uint8_t *)"b", 1, NULL, 0), EDGEPOS_INVALID, "not above");
    EXPECT(edgepos_rows_add(rows, (const uint8_t *)"a", 1, NULL, 0), EDGEPOS_INVALID, "not above");
    EXPECT(edgepos_rows_add(rows, (const uint8_t *)"c", EDGEPOS_MAX_KEY + 1, NULL, 0), EDGEPOS_INVALID, "over the limit");
    kept = rows;
    edgepos_rows_free(rows);
    return 0;
}

/* Calls back into the library: another terminal, one more that is started inside of this start, and this very function below that. */
static int32_t calls_back(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                          uint32_t max_bytes, edgepos_rows *rows) {
    int *depth = user;
    uint64_t me = 0;
    edgepos_terminal *inner = NULL;
    edgepos_text *text = NULL;
    (void)space, (void)from, (void)from_length, (void)to, (void)to_length, (void)max_bytes, (void)rows;
    EXPECT(edgepos_terminal_me(living, &me), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_status(NULL, &text), EDGEPOS_INVALID, "terminal is NULL");
    if (*depth < 2) {
        *depth += 1;
        EXPECT(start(calls_back, user, &inner), EDGEPOS_OK, "");
        edgepos_terminal_free(inner);
        *depth -= 1;
    }
    return 0;
}

static void stores(void) {
    edgepos_terminal *none = NULL, *nested = NULL;
    int depth = 1;
    EXPECT(start(fails, NULL, &none), EDGEPOS_SETUP, "status 5");
    EXPECT(start(repeats, NULL, &none), EDGEPOS_SETUP, "not asked for");
    EXPECT(start(frees, NULL, &none), EDGEPOS_SETUP, "no living handle");
    EXPECT(edgepos_rows_add(kept, NULL, 0, NULL, 0), EDGEPOS_INVALID, "no living handle");
    EXPECT(start(lies, NULL, &none), EDGEPOS_SETUP, "");
    EXPECT(start(calls_back, &depth, &nested), EDGEPOS_OK, "");
    edgepos_terminal_free(nested);
    if (none != NULL) {
        fprintf(stderr, "an output was written by a call that was not done\n");
        failures += 1;
    }
}

/* Configurations that are made to exhaust the stack of whoever reads them. */
static void configurations(void) {
    static const char *const deep[] = {"[", "{\"a\":", "a.", "x = [", "x = {a = "};
    size_t length = EDGEPOS_MAX_REQUEST, at, piece;
    char *text = malloc(length);
    edgepos_terminal *none = NULL;
    for (at = 0; at < sizeof deep / sizeof deep[0]; at += 1) {
        size_t prefix = strncmp(deep[at], "x = ", 4) == 0 ? 4 : 0;
        memcpy(text, deep[at], prefix);
        piece = strlen(deep[at]) - prefix;
        for (length = prefix; length + piece <= EDGEPOS_MAX_REQUEST; length += piece) {
            memcpy(text + length, deep[at] + prefix, piece);
        }
        EXPECT(edgepos_terminal_new(text, length, 1, WALL, 7, 0, NULL, NULL, &none), EDGEPOS_SETUP, "");
    }
    EXPECT(edgepos_terminal_new(text, length + 16, 1, WALL, 7, 0, NULL, NULL, &none), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_terminal_new("\xff\xfe", 2, 1, WALL, 7, 0, NULL, NULL, &none), EDGEPOS_INVALID, "not UTF-8");
    EXPECT(edgepos_terminal_new(CONFIG, strlen(CONFIG), 1, WALL, 7, 0, NULL, NULL, NULL), EDGEPOS_INVALID, "out is NULL");
    free(text);
}

static void duties(void) {
    static const char draft[] = "{\"basket\":\"" BASKET "\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"milk\",\"quantity\":2,\"amount\":258}]}";
    edgepos_output *output = NULL, *gone = NULL;
    edgepos_rows *rows = NULL;
    edgepos_text *text = NULL;
    const uint8_t *bytes = NULL;
    size_t length = 42;
    uint64_t number = 42;
    uint32_t space = 42;
    EXPECT(edgepos_terminal_poll_output(living, NULL), EDGEPOS_INVALID, "out is NULL");
    EXPECT(edgepos_rows_new(&rows), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_loaded(living, 2, WALL, 99, NULL), EDGEPOS_INVALID, "rows");
    EXPECT(edgepos_terminal_loaded(living, 2, WALL, 99, rows), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_loaded(living, 2, WALL, 99, (edgepos_rows *)(void *)living), EDGEPOS_INVALID, "rows");
    edgepos_rows_free(rows);
    edgepos_rows_free(rows);
    EXPECT(edgepos_terminal_begin(living, 3, WALL, 1, draft, strlen(draft)), EDGEPOS_OK, "");
    while (edgepos_terminal_poll_output(living, &output) == EDGEPOS_OK) {
        uint32_t kind = edgepos_output_kind(output);
        if (kind == EDGEPOS_PERSIST || kind == EDGEPOS_WRITE) {
            size_t rows_written = edgepos_output_writes(output);
            EXPECT(edgepos_output_row(output, rows_written, &space, &bytes, &length), EDGEPOS_NOTHING, "");
            EXPECT(edgepos_output_value(output, SIZE_MAX, &bytes, &length), EDGEPOS_NOTHING, "");
            EXPECT(edgepos_output_row(output, 0, NULL, &bytes, &length), EDGEPOS_INVALID, "space is NULL");
            EXPECT(edgepos_output_frame(output, &number, &number, &bytes, &length), EDGEPOS_INVALID, "no transmit");
            EXPECT(edgepos_output_load(output, &space, &bytes, &length, &space), EDGEPOS_INVALID, "no load");
            EXPECT(edgepos_output_reply(output, &text), EDGEPOS_INVALID, "no reply");
            EXPECT(edgepos_output_notice(output, &text), EDGEPOS_INVALID, "no notice");
            EXPECT(edgepos_output_request(output, &bytes, &length), EDGEPOS_INVALID, "no request");
            /* Told twice, and told of what was never asked for. */
            EXPECT(edgepos_terminal_persisted(living, 3, WALL, edgepos_output_id(output)), EDGEPOS_OK, "");
            EXPECT(edgepos_terminal_persisted(living, 3, WALL, edgepos_output_id(output)), EDGEPOS_OK, "");
        } else if (edgepos_output_reply(output, &text) == EDGEPOS_OK) {
            edgepos_text_free(text);
            text = NULL;
        }
        edgepos_output_free(output);
        edgepos_output_free(output);
        gone = output;
    }
    if (edgepos_output_kind(gone) != 0 || edgepos_output_id(gone) != 0 || edgepos_output_writes(NULL) != 0) {
        failures += 1;
    }
    EXPECT(edgepos_output_value(gone, 0, &bytes, &length), EDGEPOS_INVALID, "no living handle");
    EXPECT(edgepos_terminal_unanswered(living, 4, WALL, 99, 9, 0), EDGEPOS_INVALID, "no reason");
    EXPECT(edgepos_terminal_disk(living, 4, WALL, 0, 0, 9), EDGEPOS_INVALID, "no state");
    EXPECT(edgepos_terminal_answered(living, 4, WALL, 99, (const uint8_t *)"x", 1), EDGEPOS_OK, "");
    if (bytes != NULL || length != 42 || number != 42 || space != 42 || text != NULL) {
        fprintf(stderr, "an output was written by a call that was not done\n");
        failures += 1;
    }
}

static void large(void) {
    size_t length = 16u << 20;
    uint8_t *much = malloc(length);
    memset(much, 0x9f, length);
    EXPECT(edgepos_terminal_frame(living, 5, WALL, 2, 1, much, length), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_answered(living, 5, WALL, 1, much, length), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_frame(living, 5, WALL, 2, 1, much, EDGEPOS_MAX_BYTES + (size_t)1), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_terminal_begin(living, 5, WALL, 2, (const char *)much, length), EDGEPOS_INVALID, "over the limit");
    EXPECT(edgepos_terminal_report_condition(living, 5, WALL, "nothing", 7, 1, (const char *)much, 9), EDGEPOS_BAD_REQUEST, "nothing");
    EXPECT(edgepos_terminal_stop(living, (const char *)much, 9), EDGEPOS_INVALID, "not UTF-8");
    free(much);
}

/* A clock that goes back, and one at its end. */
static void times(void) {
    static const uint64_t odd[] = {5, 0, UINT64_MAX, 1, UINT64_MAX - 1, UINT64_C(1) << 63};
    edgepos_terminal *terminal = NULL;
    edgepos_output *output = NULL;
    uint64_t due = 0;
    size_t at, wall;
    EXPECT(start(NULL, NULL, &terminal), EDGEPOS_OK, "");
    for (at = 0; at < sizeof odd / sizeof odd[0]; at += 1) {
        for (wall = 0; wall < sizeof odd / sizeof odd[0]; wall += 1) {
            int32_t status = edgepos_terminal_poll_timeout(terminal, &due);
            if (status != EDGEPOS_OK && status != EDGEPOS_NOTHING) {
                EXPECT(status, EDGEPOS_OK, "");
            }
            EXPECT(edgepos_terminal_timeout(terminal, odd[at], odd[wall]), EDGEPOS_OK, "");
            EXPECT(edgepos_terminal_cloud_time(terminal, odd[at], odd[wall], odd[at]), EDGEPOS_OK, "");
            EXPECT(edgepos_terminal_peer_up(terminal, odd[at], odd[wall], odd[at], odd[wall]), EDGEPOS_OK, "");
            while (edgepos_terminal_poll_output(terminal, &output) == EDGEPOS_OK) {
                uint32_t kind = edgepos_output_kind(output);
                if (kind == EDGEPOS_PERSIST || kind == EDGEPOS_WRITE) {
                    EXPECT(edgepos_terminal_persisted(terminal, odd[at], odd[wall], edgepos_output_id(output)), EDGEPOS_OK, "");
                }
                edgepos_output_free(output);
            }
        }
    }
    edgepos_terminal_free(terminal);
    for (at = 0; at < sizeof odd / sizeof odd[0]; at += 1) {
        terminal = NULL;
        EXPECT(edgepos_terminal_new(CONFIG, strlen(CONFIG), odd[at], odd[at], odd[at], 1, NULL, NULL, &terminal), EDGEPOS_OK, "");
        EXPECT(edgepos_terminal_timeout(terminal, odd[at], odd[at]), EDGEPOS_OK, "");
        edgepos_terminal_free(terminal);
    }
}

static int busy, answered;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static void *asks(void *unused) {
    int no, was_busy = 0, was_answered = 0;
    (void)unused;
    for (no = 0; no < 300; no += 1) {
        edgepos_text *text = NULL;
        int32_t status = edgepos_terminal_diagnosis(living, 6, WALL, &text);
        was_busy += status == EDGEPOS_BUSY;
        was_answered += status == EDGEPOS_OK;
        edgepos_text_free(text);
    }
    pthread_mutex_lock(&counting);
    busy += was_busy;
    answered += was_answered;
    pthread_mutex_unlock(&counting);
    return NULL;
}

static void threads(void) {
    pthread_t all[4];
    int at;
    for (at = 0; at < 4; at += 1) {
        pthread_create(&all[at], NULL, asks, NULL);
    }
    for (at = 0; at < 4; at += 1) {
        pthread_join(all[at], NULL);
    }
    if (busy + answered != 4 * 300 || answered == 0) {
        fprintf(stderr, "%d busy and %d answered of %d\n", busy, answered, 4 * 300);
        failures += 1;
    }
}

int main(void) {
    uint64_t me = 0;
    edgepos_output *output = NULL;
    EXPECT(start(NULL, NULL, &living), EDGEPOS_OK, "");
    stores();
    configurations();
    duties();
    large();
    times();
    threads();
    EXPECT(edgepos_terminal_stop(living, "enough", 6), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_is_stopped(living), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_commit(living, 7, WALL, 3, "{}", 2), EDGEPOS_BAD_REQUEST, "missing field");
    EXPECT(edgepos_terminal_timeout(living, 7, WALL), EDGEPOS_OK, "");
    edgepos_terminal_free(living);
    edgepos_terminal_free(living);
    edgepos_terminal_free(NULL);
    EXPECT(edgepos_terminal_me(living, &me), EDGEPOS_INVALID, "no living handle");
    EXPECT(edgepos_terminal_poll_output(living, &output), EDGEPOS_INVALID, "no living handle");
    printf("%d failures\n", failures);
    return failures != 0;
}
