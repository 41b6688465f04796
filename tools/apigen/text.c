/* Memory, text and names for apigen. */
#include "apigen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void *zalloc(size_t size) {
    void *p = calloc(1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

__attribute__((format(printf, 1, 0))) static char *vtext(const char *fmt, va_list args) {
    char *z = NULL;
    if (vasprintf(&z, fmt, args) < 0) {
        abort();
    }
    return z;
}

char *text(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *z = vtext(fmt, args);
    va_end(args);
    return z;
}

void vec_push(struct vec *v, void *item) {
    v->v = realloc(v->v, (v->n + 1) * sizeof *v->v);
    if (v->v == NULL) {
        abort();
    }
    v->v[v->n++] = item;
}

void vec_sort(struct vec *v, int (*compare)(const void *, const void *)) {
    if (v->n > 0) { /* qsort refuses NULL even for nothing */
        qsort(v->v, v->n, sizeof *v->v, compare);
    }
}

void fail(const struct service *s, int line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: error: %s\n", s->file, line, vtext(fmt, args));
    va_end(args);
    exit(1);
}

/* A new word begins at: lower -> Upper, digit -> Upper+lower, and before the last capital of a run
 * that goes on in lower case, unless all that follows is the plural's s (ARNs). */
static bool starts_word(const char *name, size_t i) {
    char prev = name[i - 1], c = name[i], next = name[i + 1];
    if (!isupper((unsigned char)c)) {
        return false;
    }
    if (islower((unsigned char)prev)) {
        return true;
    }
    if (!islower((unsigned char)next)) {
        return false;
    }
    bool plural = next == 's' && !islower((unsigned char)name[i + 2]);
    return !plural && isalnum((unsigned char)prev);
}

char *snake_case(const char *name) {
    char *z = zalloc(2 * strlen(name) + 1);
    size_t n = 0;
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (i > 0 && starts_word(name, i) && strncmp(name + i - 1, "ETag", 4) != 0) {
            z[n++] = '_';
        }
        z[n++] = isalnum((unsigned char)name[i]) ? (char)tolower((unsigned char)name[i]) : '_';
    }
    return z;
}

const char *field_name(const char *name) {
    static const char *const taken[] = {
        "auto",  "bool",     "break",  "case",     "char",   "const",    "continue", "default",
        "do",    "double",   "else",   "enum",     "extern", "false",    "float",    "for",
        "goto",  "if",       "inline", "int",      "long",   "register", "restrict", "return",
        "short", "signed",   "sizeof", "static",   "struct", "switch",   "true",     "typedef",
        "union", "unsigned", "void",   "volatile", "while",  "unix",     "linux",    "errno",
        "stdin", "stdout",   "stderr", "asm",      "typeof",
    };
    char *snake = snake_case(name);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(snake, taken[i]) == 0) {
            return text("%s_", snake);
        }
    }
    return isdigit((unsigned char)snake[0]) ? text("n%s", snake) : snake;
}
