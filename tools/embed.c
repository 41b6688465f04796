/*
 * Build-time tool: embed SYMBOL INPUT OUTPUT writes a C file in which `const char SYMBOL[]` holds
 * the bytes of INPUT and a NUL, and `const unsigned long SYMBOL_size` their number.
 */
#include <stdio.h>
#include <string.h>

static int copy(FILE *in, FILE *out, unsigned long *ret_size) {
    int c;
    unsigned long n = 0;
    while ((c = getc(in)) != EOF) {
        fprintf(out, "%d,%s", c > 127 ? c - 256 : c, ++n % 24 == 0 ? "\n" : "");
    }
    *ret_size = n;
    return ferror(in) ? -1 : 0;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: embed SYMBOL INPUT OUTPUT\n");
        return 2;
    }
    FILE *in = fopen(argv[2], "rb");
    FILE *out = in ? fopen(argv[3], "wb") : NULL;
    if (out == NULL) {
        perror(in ? argv[3] : argv[2]);
        return 1;
    }
    unsigned long size = 0;
    fprintf(out, "extern const char %s[];\nextern const unsigned long %s_size;\n", argv[1], argv[1]);
    fprintf(out, "const char %s[] = {\n", argv[1]);
    int failed = copy(in, out, &size);
    fprintf(out, "0};\nconst unsigned long %s_size = %luUL;\n", argv[1], size);
    fclose(in);
    return fclose(out) != 0 || failed ? 1 : 0;
}
