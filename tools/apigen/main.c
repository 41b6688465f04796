/*
 * Build-time tool.
 *   apigen FILE.api OUTDIR            writes OUTDIR/NAME.h, NAME.c and NAME_serve.c
 *   apigen --coverage OUT FILE.api..  writes the list of operations (docs/api-coverage.md)
 * A mistake in the file prints FILE:LINE: error: ... and ends with 1; wrong usage ends with 2.
 */
#include "apigen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void write_file(const char *path, void (*emit)(const struct service *, FILE *),
                       const struct service *s) {
    FILE *out = fopen(path, "w");
    if (out != NULL) {
        emit(s, out);
    }
    if (out == NULL || ferror(out) || fclose(out) != 0) {
        fprintf(stderr, "apigen: %s: %s\n", path, strerror(errno));
        exit(1);
    }
}

static struct service *load(const char *path) {
    struct service *s = read_api(path);
    check_service(s);
    return s;
}

static int generate(const char *path, const char *dir) {
    const struct service *s = load(path);
    if (strcmp(s->base, text("%s.api", s->name)) != 0) {
        fail(s, 1, "service '%s' must be in %s.api", s->name, s->name);
    }
    write_file(text("%s/%s.h", dir, s->name), emit_header, s);
    write_file(text("%s/%s.c", dir, s->name), emit_tables, s);
    write_file(text("%s/%s_serve.c", dir, s->name), emit_serve, s);
    return 0;
}

static int coverage(const char *path, char **files, size_t n) {
    struct service **services = zalloc(n * sizeof(struct service *));
    for (size_t i = 0; i < n; i++) {
        services[i] = load(files[i]);
    }
    FILE *out = fopen(path, "w");
    if (out != NULL) {
        emit_coverage(services, n, out);
    }
    if (out == NULL || ferror(out) || fclose(out) != 0) {
        fprintf(stderr, "apigen: %s: %s\n", path, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "--coverage") == 0) {
        return coverage(argv[2], argv + 3, (size_t)(argc - 3));
    }
    if (argc != 3 || argv[1][0] == '-') {
        fprintf(stderr, "usage: apigen FILE.api OUTDIR | apigen --coverage OUT FILE.api...\n");
        return 2;
    }
    return generate(argv[1], argv[2]);
}
