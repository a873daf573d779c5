/* Signals are the host's: no thread of a terminal takes one, also not the SIGPIPE of a connection that broke, which a program in C does not
 * ignore. And the mask of the host's own thread is left alone. Models bring threads of their own. On Linux.
 *
 *     signals CONFIG [MODELS] */

#define _GNU_SOURCE
#include <edgepos.h>

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failures;

/* A field of /proc/self/task/THREAD/status, as a number. */
static uint64_t field(const char *thread, const char *name, int base_16, char *text, size_t size) {
    char path[300], line[256];
    uint64_t value = 0;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            if (base_16) {
                sscanf(line + strlen(name), "%" SCNx64, &value);
            } else {
                line[strcspn(line, "\n")] = '\0';
                snprintf(text, size, "%s", line + strlen(name));
            }
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

/* Has every thread that a model wants. */
static void look(edgepos_node *node, const char *models) {
    static uint8_t picture[1u << 20];
    char text[4096];
    FILE *file;
    size_t length;
    edgepos_text *answer = NULL;
    snprintf(text, sizeof text, "{\"folder\":\"%s\",\"deadline_ms\":600000}", models);
    if (edgepos_node_use_models(node, text, strlen(text)) != EDGEPOS_OK) {
        failures += 1;
    }
    snprintf(text, sizeof text, "%s/samples/espresso.png", models);
    file = fopen(text, "rb");
    length = file ? fread(picture, 1, sizeof picture, file) : 0;
    if (!file || edgepos_node_recognise(node, picture, length, 600000, &answer) != EDGEPOS_OK ||
        !strstr(edgepos_text_data(answer), "\"label\":\"espresso\"")) {
        fprintf(stderr, "no model was asked: %s\n", edgepos_last_detail());
        failures += 1;
    }
    if (file) {
        fclose(file);
    }
    edgepos_text_free(answer);
}

static uint64_t bit(int signal) {
    return UINT64_C(1) << (signal - 1);
}

int main(int argc, char **argv) {
    static char config[65536];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    static const int held_back[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGXFSZ};
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF};
    edgepos_node *node = NULL;
    sigset_t before, after;
    struct dirent *entry;
    struct sigaction pipes;
    size_t at;
    int ours = 0;
    char me[32];
    DIR *tasks;
    if (!file) {
        return 2;
    }
    fclose(file);
    sigprocmask(SIG_BLOCK, NULL, &before);
    if (edgepos_node_open(config, length, &node) != EDGEPOS_OK) {
        fprintf(stderr, "%s\n", edgepos_last_detail());
        return 3;
    }
    if (argc > 2) {
        look(node, argv[2]);
    }
    sigprocmask(SIG_BLOCK, NULL, &after);
    sigaction(SIGPIPE, NULL, &pipes);
    if (memcmp(&before, &after, sizeof before) != 0 || pipes.sa_handler != SIG_DFL) {
        fprintf(stderr, "the host's own signals were changed\n");
        failures += 1;
    }
    snprintf(me, sizeof me, "%ld", (long)getpid());
    tasks = opendir("/proc/self/task");
    while (tasks && (entry = readdir(tasks)) != NULL) {
        char name[64] = "";
        uint64_t blocked = field(entry->d_name, "SigBlk:\t", 1, NULL, 0);
        field(entry->d_name, "Name:\t", 0, name, sizeof name);
        /* The host has one thread; every other one is the library's, whatever it is called. */
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, me) == 0) {
            continue;
        }
        ours += 1;
        for (at = 0; at < sizeof held_back / sizeof held_back[0]; at += 1) {
            if (!(blocked & bit(held_back[at]))) {
                fprintf(stderr, "the thread %s takes signal %d of the host\n", name, held_back[at]);
                failures += 1;
            }
        }
        for (at = 0; at < sizeof own / sizeof own[0]; at += 1) {
            if (blocked & bit(own[at])) {
                fprintf(stderr, "the thread %s holds back its own signal %d\n", name, own[at]);
                failures += 1;
            }
        }
    }
    if (tasks) {
        closedir(tasks);
    }
    /* Two workers and the store. */
    if (ours < 3) {
        fprintf(stderr, "only %d threads were looked at\n", ours);
        failures += 1;
    }
    edgepos_node_free(node);
    printf("%d failures\n", failures);
    return failures != 0;
}
