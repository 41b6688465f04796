/* Finds tabs that stand between the tokens of a YAML text or inside plain scalars. */
#include "platform/text/yaml_tabs.h"

#include <stdint.h>
#include <yaml.h>

#define cleanup_token __attribute__((cleanup(yaml_token_delete)))

/* Walks through the text, as far as a character whose number libyaml told. */
struct walk {
    struct str text;
    size_t at;        /* byte */
    size_t character; /* its number, as libyaml counts: a byte order mark is none */
    unsigned line, column;
    bool comment; /* within one */
    bool blank;   /* the character before is a blank or a line break, or there is none */
};

static void step(struct walk *w) {
    char c = w->text.p[w->at];
    bool crlf = c == '\r' && w->at + 1 < w->text.n && w->text.p[w->at + 1] == '\n';
    w->at++;
    while (w->at < w->text.n && ((unsigned char)w->text.p[w->at] & 0xC0) == 0x80) {
        w->at++;
    }
    w->character++;
    w->column++;
    if ((c == '\n' || c == '\r') && !crlf) {
        w->line++;
        w->column = 1;
        w->comment = false;
    }
    w->blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Looks at the characters before number `end`; true at a tab, which *w then stands on. */
static bool find(struct walk *w, size_t end) {
    while (w->at < w->text.n && w->character < end) {
        char c = w->text.p[w->at];
        w->comment = w->comment || (c == '#' && w->blank);
        if (c == '\t' && !w->comment) {
            return true;
        }
        step(w);
    }
    return false;
}

static void skip(struct walk *w, size_t end) {
    while (w->at < w->text.n && w->character < end) {
        step(w);
    }
    w->comment = false;
}

/* The line after which a block's text begins. */
static bool find_in_line(struct walk *w) {
    unsigned line = w->line;
    while (w->at < w->text.n && w->line == line) {
        if (find(w, w->character + 1)) {
            return true;
        }
    }
    return false;
}

static bool look(struct walk *w, yaml_parser_t *parser) {
    for (;;) {
        yaml_token_t token cleanup_token = {0};
        if (!yaml_parser_scan(parser, &token)) {
            return false; /* no YAML for another reason, which yaml_parse tells */
        }
        if (token.type == YAML_STREAM_END_TOKEN) {
            return find(w, SIZE_MAX);
        }
        if (token.type != YAML_SCALAR_TOKEN || token.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
            continue;
        }
        bool block = token.data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                     token.data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
        if (find(w, token.start_mark.index) || (block && find_in_line(w))) {
            return true;
        }
        skip(w, token.end_mark.index);
    }
}

bool yaml_find_tab(struct str text, unsigned *ret_line, unsigned *ret_column) {
    yaml_parser_t parser;
    struct walk w = {.text = text, .line = 1, .column = 1, .blank = true};
    bool utf16 = str_starts(text, S("\xFF\xFE")) || str_starts(text, S("\xFE\xFF"));
    if (utf16 || str_find_c(text, '\t', 0) == (size_t)-1 || !yaml_parser_initialize(&parser)) {
        return false;
    }
    if (str_starts(text, S("\xEF\xBB\xBF"))) {
        w.at = 3;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    bool found = look(&w, &parser);
    yaml_parser_delete(&parser);
    *ret_line = w.line;
    *ret_column = w.column;
    return found;
}
