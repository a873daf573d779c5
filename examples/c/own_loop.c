/* A terminal without threads, files and sockets: the program brings its own store, clock and loop.
 *
 * The store here is an array in memory, which survives what the program does to the terminal: it sells, ends the terminal between commit
 * and reply, starts another from the same rows, and asks again with the same key. */

#include <edgepos.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASKET "000000000000000000000000000000b1"
#define DRAFT "{\"basket\":\"" BASKET "\",\"currency\":\"EUR\",\"lines\":[{\"no\":1,\"product\":\"milk\",\"quantity\":2,\"amount\":258}]}"
#define PAYMENT "{\"basket\":\"" BASKET "\",\"key\":\"000000000000000000000000000000a1\",\"tenders\":[{\"kind\":\"cash\",\"amount\":258}]}"

typedef struct {
    uint32_t space;
    uint8_t *key, *value;
    size_t key_length, value_length;
} row;

static row store[4096];
static size_t rows_held;
static uint64_t clock_ms = 1000;

static void done(int32_t status, const char *what) {
    if (status < EDGEPOS_OK) {
        fprintf(stderr, "%s: %s (%s)\n", what, edgepos_status_text(status), edgepos_last_detail());
        exit(1);
    }
}

static uint64_t wall_ms(void) {
    return UINT64_C(1700000000000) + clock_ms;
}

static int compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length) {
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static uint8_t *copy(const uint8_t *bytes, size_t length) {
    uint8_t *kept = malloc(length + 1);
    if (!kept) {
        exit(1);
    }
    memcpy(kept, bytes, length);
    return kept;
}

/* Rows lie by space and key. */
static size_t place(uint32_t space, const uint8_t *key, size_t key_length) {
    size_t at = 0;
    while (at < rows_held && (store[at].space < space ||
                              (store[at].space == space && compare(store[at].key, store[at].key_length, key, key_length) < 0))) {
        at += 1;
    }
    return at;
}

static void write_row(uint32_t space, const uint8_t *key, size_t key_length, const uint8_t *value, size_t value_length) {
    size_t at = place(space, key, key_length);
    int held = at < rows_held && store[at].space == space && compare(store[at].key, store[at].key_length, key, key_length) == 0;
    if (held) {
        free(store[at].key);
        free(store[at].value);
        memmove(&store[at], &store[at + 1], (rows_held - at - 1) * sizeof(row));
        rows_held -= 1;
    }
    if (value) {
        if (rows_held == sizeof store / sizeof store[0]) {
            exit(1);
        }
        memmove(&store[at + 1], &store[at], (rows_held - at) * sizeof(row));
        store[at].space = space;
        store[at].key = copy(key, key_length);
        store[at].key_length = key_length;
        store[at].value = copy(value, value_length);
        store[at].value_length = value_length;
        rows_held += 1;
    }
}

static int32_t scan(void *user, uint32_t space, const uint8_t *from, size_t from_length, const uint8_t *to, size_t to_length,
                    uint32_t max_bytes, edgepos_rows *rows) {
    size_t read = 0, at = place(space, from, from_length);
    (void)user;
    while (at < rows_held && store[at].space == space && compare(store[at].key, store[at].key_length, to, to_length) <= 0) {
        if (edgepos_rows_add(rows, store[at].key, store[at].key_length, store[at].value, store[at].value_length) != EDGEPOS_OK) {
            return 1;
        }
        read += store[at].key_length + store[at].value_length;
        at += 1;
        if (read >= max_bytes) {
            break;
        }
    }
    return 0;
}

static void persist(edgepos_terminal *terminal, const edgepos_output *output) {
    size_t index;
    for (index = 0; index < edgepos_output_writes(output); index += 1) {
        const uint8_t *key, *value;
        size_t key_length, value_length;
        uint32_t space;
        done(edgepos_output_row(output, index, &space, &key, &key_length), "row");
        done(edgepos_output_value(output, index, &value, &value_length), "value");
        write_row(space, key, key_length, value, value_length);
    }
    /* A store on a disk says so when the writes are flushed. */
    done(edgepos_terminal_persisted(terminal, clock_ms, wall_ms(), edgepos_output_id(output)), "persisted");
}

static void load(edgepos_terminal *terminal, const edgepos_output *output) {
    const uint8_t *from, *to;
    size_t from_length, to_length;
    uint32_t space, max_bytes;
    edgepos_rows *rows;
    done(edgepos_rows_new(&rows), "rows");
    done(edgepos_output_load(output, &space, &from, &from_length, &max_bytes), "load");
    done(edgepos_output_load_to(output, &to, &to_length), "load");
    /* A store that cannot be read ends the terminal: what is missing of an answer would count as not there. */
    if (scan(NULL, space, from, from_length, to, to_length, max_bytes, rows) != 0) {
        fprintf(stderr, "the store cannot be read: %s\n", edgepos_last_detail());
        exit(1);
    }
    done(edgepos_terminal_loaded(terminal, clock_ms, wall_ms(), edgepos_output_id(output), rows), "loaded");
    edgepos_rows_free(rows);
}

/* Does every duty, in order. The answer to `request` goes to `*reply`, where it came. */
static void turn(edgepos_terminal *terminal, uint64_t request, edgepos_text **reply) {
    edgepos_output *output;
    int32_t status;
    while ((status = edgepos_terminal_poll_output(terminal, &output)) == EDGEPOS_OK) {
        switch (edgepos_output_kind(output)) {
        case EDGEPOS_PERSIST:
        case EDGEPOS_WRITE:
            persist(terminal, output);
            break;
        case EDGEPOS_LOAD:
            load(terminal, output);
            break;
        case EDGEPOS_UPLINK:
            done(edgepos_terminal_unanswered(terminal, clock_ms, wall_ms(), edgepos_output_id(output), EDGEPOS_UNREACHABLE, 0), "cloud");
            break;
        case EDGEPOS_REPLY:
            if (reply && edgepos_output_id(output) == request) {
                done(edgepos_output_reply(output, reply), "reply");
            }
            break;
        default:
            /* A store of one terminal has nobody to send to, and notices may be dropped. */
            break;
        }
        edgepos_output_free(output);
    }
    done(status, "output");
}

/* Lets time go by until the terminal has done what it waits for. */
static void pass(edgepos_terminal *terminal, uint64_t ms) {
    uint64_t end = clock_ms + ms, due;
    while (edgepos_terminal_poll_timeout(terminal, &due) == EDGEPOS_OK && due <= end) {
        clock_ms = due > clock_ms ? due : clock_ms;
        done(edgepos_terminal_timeout(terminal, clock_ms, wall_ms()), "timeout");
        turn(terminal, 0, NULL);
    }
    clock_ms = end;
}

static edgepos_terminal *start(uint64_t nonce) {
    static const char config[] = "terminal = 1\nstore = \"07070707070707070707070707070707\"\ndatabase = \"-\"\n"
                                 "listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";
    edgepos_terminal *terminal;
    done(edgepos_terminal_new(config, strlen(config), clock_ms, wall_ms(), nonce, 0, scan, NULL, &terminal), "start");
    turn(terminal, 0, NULL);
    return terminal;
}

static void show(const char *what, edgepos_text **reply) {
    const char *total = *reply ? strstr(edgepos_text_data(*reply), "\"total\":") : NULL;
    printf("%s %s\n", what, total ? total : "no answer");
    edgepos_text_free(*reply);
    *reply = NULL;
}

int main(void) {
    edgepos_text *reply = NULL;
    edgepos_terminal *terminal;
    uint64_t me = 0;
    if (edgepos_abi() != EDGEPOS_ABI) {
        fprintf(stderr, "the library has another interface than %d\n", EDGEPOS_ABI);
        return 2;
    }
    terminal = start(1);
    done(edgepos_terminal_me(terminal, &me), "me");

    done(edgepos_terminal_begin(terminal, clock_ms, wall_ms(), 1, DRAFT, strlen(DRAFT)), "begin");
    turn(terminal, 1, &reply);
    show("begun", &reply);
    done(edgepos_terminal_commit(terminal, clock_ms, wall_ms(), 2, PAYMENT, strlen(PAYMENT)), "commit");
    turn(terminal, 0, NULL);
    /* The sale is on disk, and nobody heard of it: the process ends here. */
    edgepos_terminal_free(terminal);

    clock_ms += 5000;
    terminal = start(2);
    done(edgepos_terminal_commit(terminal, clock_ms, wall_ms(), 1, PAYMENT, strlen(PAYMENT)), "commit");
    turn(terminal, 1, &reply);
    show("booked", &reply);
    pass(terminal, 2000);
    done(edgepos_terminal_status(terminal, &reply), "status");
    printf("%s\n", strstr(edgepos_text_data(reply), "\"leads\":true") ? "leads its store" : "does not lead");
    edgepos_text_free(reply);
    edgepos_terminal_free(terminal);
    while (rows_held > 0) {
        rows_held -= 1;
        free(store[rows_held].key);
        free(store[rows_held].value);
    }
    return me == 0;
}
