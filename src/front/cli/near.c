/* Distance of words; near.h. */
#include "front/cli/near.h"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Rows of the usual table (optimal string alignment): row i is about the first i letters of a. */
size_t near_distance(struct str a, struct str b) {
    size_t row[NEAR_MAX + 1][NEAR_MAX + 1];
    if (a.n > NEAR_MAX || b.n > NEAR_MAX) {
        return NEAR_MAX;
    }
    for (size_t i = 0; i <= a.n; i++) {
        for (size_t k = 0; k <= b.n; k++) {
            if (i == 0 || k == 0) {
                row[i][k] = i + k;
                continue;
            }
            size_t other = a.p[i - 1] != b.p[k - 1];
            size_t best = least(row[i - 1][k - 1] + other, least(row[i - 1][k], row[i][k - 1]) + 1);
            bool swapped = i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1];
            row[i][k] = swapped ? least(best, row[i - 2][k - 2] + 1) : best;
        }
    }
    return row[a.n][b.n];
}

bool near_enough(struct str typed, struct str meant) {
    return near_distance(typed, meant) <= (typed.n < 5 ? 1 : 2);
}
