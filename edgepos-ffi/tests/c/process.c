/* What a program does with its own process while a terminal is open: it works in another directory, and it forks. Run plainly, under valgrind
 * and with the sanitizers.
 *
 *     process CONFIG     where CONFIG is a file in TOML or JSON whose database is called till-1.db */

#define _XOPEN_SOURCE 700

#include "expect.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATABASE "till-1.db"
#define RELATIVE "terminal = 1\nstore = \"07070707070707070707070707070707\"\ndatabase = \"moved.db\"\nlisten = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n"
#define RECORD "{\"type\":\"custom\",\"body\":\"x\"}"

#define HOLDS(what) expect_at(__LINE__, (what) ? EDGEPOS_OK : EDGEPOS_INVALID, EDGEPOS_OK, "")

static int32_t record(edgepos_node *node) {
    edgepos_text *event = NULL;
    int32_t status = edgepos_node_record(node, RECORD, strlen(RECORD), &event);
    edgepos_text_free(event);
    return status;
}

/* How many events a terminal has. */
static int events_of(edgepos_node *node) {
    edgepos_events *events = NULL;
    edgepos_text *event = NULL;
    int count = 0;
    EXPECT(edgepos_node_events_since(node, NULL, 0, 0, &events), EDGEPOS_OK, "");
    while (edgepos_events_next(events, 60000, &event) == EDGEPOS_OK) {
        edgepos_text_free(event);
        count += 1;
    }
    edgepos_events_free(events);
    return count;
}

/* A program that works in another directory than the one that it opened its terminal in: files stay where they are, and models are looked for
 * where they were said to be. */
static void moves(void) {
    static const char models[] = "{\"folder\":\"nowhere\"}";
    char base[PATH_MAX], folder[PATH_MAX];
    edgepos_node *node = NULL;
    edgepos_text *text = NULL;
    struct dirent *entry;
    DIR *all;
    const char *temporary = getenv("TMPDIR");
    int count;
    HOLDS(getcwd(base, sizeof base) != NULL);
    snprintf(folder, sizeof folder, "%s/edgepos-XXXXXX", temporary ? temporary : "/tmp");
    HOLDS(mkdtemp(folder) != NULL && chdir(folder) == 0 && mkdir("elsewhere", 0700) == 0);
    EXPECT(edgepos_node_open(RELATIVE, strlen(RELATIVE), &node), EDGEPOS_OK, "");
    EXPECT(edgepos_node_use_models(node, models, strlen(models)), EDGEPOS_OK, "");
    HOLDS(chdir("elsewhere") == 0);
    EXPECT(record(node), EDGEPOS_OK, "");
    EXPECT(edgepos_node_read_barcode(node, (const uint8_t *)"x", 1, 60000, &text), EDGEPOS_NO_MODEL, folder);
    EXPECT(edgepos_node_close(node, 0, NULL), EDGEPOS_OK, "");
    edgepos_node_free(node);
    HOLDS((all = opendir(".")) != NULL);
    while (all && (entry = readdir(all)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            fprintf(stderr, "%s was made where the program went\n", entry->d_name);
            failures += 1;
        }
    }
    closedir(all);
    HOLDS(chdir("..") == 0);
    node = NULL;
    EXPECT(edgepos_node_open(RELATIVE, strlen(RELATIVE), &node), EDGEPOS_OK, "");
    count = events_of(node);
    HOLDS(count >= 1);
    edgepos_node_free(node);
    HOLDS((all = opendir(".")) != NULL);
    while (all && (entry = readdir(all)) != NULL) {
        if (strncmp(entry->d_name, "moved", 5) == 0) {
            unlink(entry->d_name);
        }
    }
    closedir(all);
    HOLDS(rmdir("elsewhere") == 0 && chdir(base) == 0 && rmdir(folder) == 0);
}

static char config[65536], other[65536 + 8];
static edgepos_node *node;
static edgepos_events *following;
static edgepos_terminal *terminal;
static edgepos_text *before;

/* The new process has one thread: what runs on others is the old one's, and says so at once. The rest is its own. */
static void in_the_child(void) {
    static const char said[] = "forked from";
    edgepos_node *own = NULL;
    edgepos_text *text = NULL;
    uint64_t left = 42;
    EXPECT(edgepos_node_status(node, &text), EDGEPOS_STOPPED, said);
    EXPECT(record(node), EDGEPOS_STOPPED, said);
    EXPECT(edgepos_node_next_notice(node, UINT64_MAX, &text), EDGEPOS_STOPPED, said);
    EXPECT(edgepos_events_next(following, UINT64_MAX, &text), EDGEPOS_STOPPED, said);
    EXPECT(edgepos_node_flush_until_uploaded(node, UINT64_MAX, &left), EDGEPOS_STOPPED, said);
    EXPECT(edgepos_node_close(node, UINT64_MAX, &left), EDGEPOS_STOPPED, said);
    HOLDS(left == 42 && text == NULL);
    edgepos_events_free(following);
    edgepos_node_free(node);
    EXPECT(edgepos_node_status(node, &text), EDGEPOS_STOPPED, said);
    /* The file is the old process's as long as that one has it. */
    EXPECT(edgepos_node_open(config, strlen(config), &own), EDGEPOS_SETUP, "");
    HOLDS(strstr(edgepos_text_data(before), "\"me\"") != NULL);
    edgepos_text_free(before);
    EXPECT(edgepos_terminal_status(terminal, &text), EDGEPOS_OK, "");
    edgepos_text_free(text);
    edgepos_terminal_free(terminal);
    EXPECT(edgepos_node_open(other, strlen(other), &own), EDGEPOS_OK, "");
    EXPECT(record(own), EDGEPOS_OK, "");
    HOLDS(events_of(own) >= 1);
    EXPECT(edgepos_node_close(own, 0, &left), EDGEPOS_OK, "");
    edgepos_node_free(own);
}

static void forks(void) {
    char *at;
    int events, status = 0;
    pid_t child;
    EXPECT(edgepos_node_open(config, strlen(config), &node), EDGEPOS_OK, "");
    EXPECT(edgepos_terminal_new(config, strlen(config), 1, 1, 7, 0, NULL, NULL, &terminal), EDGEPOS_OK, "");
    EXPECT(record(node), EDGEPOS_OK, "");
    EXPECT(edgepos_node_events_since(node, NULL, 0, 1, &following), EDGEPOS_OK, "");
    EXPECT(edgepos_node_status(node, &before), EDGEPOS_OK, "");
    events = events_of(node);
    at = strstr(config, DATABASE);
    HOLDS(at != NULL);
    if (at) {
        at += strlen(DATABASE);
        snprintf(other, sizeof other, "%.*s-forked%s", (int)(at - config), config, at);
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        in_the_child();
        fflush(NULL);
        /* Another program in its place: what the threads of the old process had on their stacks is nobody's leak. */
        execl("/bin/sh", "sh", "-c", failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
        _exit(2);
    }
    HOLDS(child > 0 && waitpid(child, &status, 0) == child);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(record(node), EDGEPOS_OK, "");
    HOLDS(events_of(node) > events);
    edgepos_text_free(before);
    edgepos_terminal_free(terminal);
    EXPECT(edgepos_node_close(node, 0, NULL), EDGEPOS_OK, "");
    edgepos_events_free(following);
    edgepos_node_free(node);
}

int main(int argc, char **argv) {
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config - 1, file) : 0;
    if (!file || length == 0) {
        return 2;
    }
    fclose(file);
    moves();
    forks();
    printf("%d failures\n", failures);
    return failures != 0;
}
