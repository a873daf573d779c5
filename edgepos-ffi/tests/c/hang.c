/* A terminal one of whose threads hangs is freed all the same: the host goes on. Of a build for tests alone.
 *
 *     hang CONFIG     where CONFIG is a file in TOML or JSON */

#define _POSIX_C_SOURCE 200809L

#include "expect.h"

#include <unistd.h>

/* As long as the header says that freeing takes, with room for a busy machine. Where it takes longer the signal ends the program. */
#define PATIENCE_S 60

int32_t edgepos_node_poison_hang(const edgepos_node *node);

int main(int argc, char **argv) {
    static char config[65536];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    edgepos_node *node = NULL;
    if (!file) {
        return 2;
    }
    fclose(file);
    EXPECT(edgepos_node_open(config, length, &node), EDGEPOS_OK, "");
    EXPECT(edgepos_node_poison_hang(node), EDGEPOS_OK, "");
    alarm(PATIENCE_S);
    edgepos_node_free(node);
    EXPECT(edgepos_node_open(config, length, &node), EDGEPOS_OK, "");
    EXPECT(edgepos_node_close(node, 0, NULL), EDGEPOS_OK, "");
    edgepos_node_free(node);
    printf("%d failures\n", failures);
    return failures != 0;
}
