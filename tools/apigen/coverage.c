/* Prints docs/api-coverage.md: which operations answer, and which answer "unknown operation". */
#include "apigen.h"

static size_t count(const struct service *s, bool built) {
    size_t n = 0;
    for (size_t i = 0; i < s->ops.n; i++) {
        const struct op *op = s->ops.v[i];
        n += ((op->flags & SHAPE_OP_UNIMPLEMENTED) == 0) == built;
    }
    return n;
}

static void print_names(const struct service *s, bool built, const char *title, FILE *out) {
    if (count(s, built) == 0) {
        return;
    }
    fprintf(out, "\n%s:\n", title);
    size_t column = 100;
    bool first = true;
    for (size_t i = 0; i < s->ops.n; i++) {
        const struct op *op = s->ops.v[i];
        if (((op->flags & SHAPE_OP_UNIMPLEMENTED) == 0) != built) {
            continue;
        }
        const char *word = text("%s`%s`", first ? "" : ", ", op->name);
        int n = snprintf(NULL, 0, "%s", word);
        if (column + (size_t)n > 98) {
            fprintf(out, first ? "" : ",\n");
            word = text("`%s`", op->name);
            column = 0;
        }
        fprintf(out, "%s", word);
        column += (size_t)n;
        first = false;
    }
    fprintf(out, "\n");
}

void emit_coverage(struct service *const *services, size_t n, FILE *out) {
    static const char *const protocols[] = {"JSON 1.0", "JSON 1.1", "query", "REST XML",
                                            "REST JSON"};
    fprintf(out, "# Operations that are served\n\n");
    fprintf(out, "Written by `apigen --coverage` from `api/*.api`. An operation that is not "
                 "built, or not listed,\nanswers with the service's own error for unknown "
                 "operations, never with an empty success.\n\n");
    fprintf(out, "| service | protocol | built | not built |\n|---|---|---|---|\n");
    size_t built = 0, absent = 0;
    for (size_t i = 0; i < n; i++) {
        const struct service *s = services[i];
        if (s->called) {
            continue;
        }
        bool two = s->protocol2 != SHAPE_NO_PROTOCOL;
        fprintf(out, "| %s | %s%s%s | %zu | %zu |\n", s->signing, protocols[s->protocol],
                two ? ", " : "", two ? protocols[s->protocol2] : "", count(s, true),
                count(s, false));
        built += count(s, true);
        absent += count(s, false);
    }
    fprintf(out, "| together | | %zu | %zu |\n", built, absent);
    for (size_t i = 0; i < n; i++) {
        if (services[i]->called) {
            continue;
        }
        fprintf(out, "\n## %s\n", services[i]->name);
        print_names(services[i], true, "Built", out);
        print_names(services[i], false, "Not built", out);
    }
}
