/* A fault inside the library ends no program, and says nothing on its stderr. */

#include <edgepos.h>

#include <stdio.h>

int32_t edgepos_node_poison(const edgepos_node *node);
int32_t edgepos_node_poison_beneath(const edgepos_node *node);

int main(int argc, char **argv) {
    static char config[65536];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    edgepos_node *node = NULL, *other = NULL;
    edgepos_text *text = NULL;
    if (!file) {
        return 2;
    }
    fclose(file);
    if (edgepos_node_open(config, length, &node) != EDGEPOS_OK) {
        return 3;
    }
    printf("%d ", edgepos_node_poison(node));
    printf("%s\n", edgepos_last_detail());
    printf("%d ", edgepos_node_status(node, &text));
    printf("%s\n", edgepos_last_detail());
    printf("%d\n", edgepos_node_close(node, 0, NULL));
    edgepos_node_free(node);
    printf("%d\n", edgepos_node_open(config, length, &other));
    /* Nor do the threads of libraries beneath say anything there. */
    printf("%d\n", edgepos_node_poison_beneath(other));
    edgepos_node_free(other);
    return text != NULL;
}
