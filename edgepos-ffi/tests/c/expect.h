/* What a call must answer, with what its explanation must say. For one program each, which ends with `failures`. */

#ifndef EXPECT_H
#define EXPECT_H

#include <edgepos.h>

#include <stdio.h>
#include <string.h>

static int failures;

static void expect_at(int line, int32_t status, int32_t expected, const char *said) {
    if (status != expected || !strstr(edgepos_last_detail(), said)) {
        fprintf(stderr, "line %d: %d instead of %d: %s\n", line, status, expected, edgepos_last_detail());
        failures += 1;
    }
}

#define EXPECT(status, expected, said) expect_at(__LINE__, (status), (expected), (said))

#endif
