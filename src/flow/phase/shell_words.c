/* Words of a shell command: quotes, expansions, redirections, here-documents. */
#include "flow/phase/shell_internal.h"

#include "base/buf.h"

char shell_peek(const struct scan *s, size_t ahead) {
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}

bool shell_done(const struct scan *s) {
    return s->at >= s->text.n;
}

void shell_only_bash(struct scan *s, const char *what) {
    if (s->script->bash.p == NULL) {
        s->script->bash = str_c(what);
    }
}

void shell_open_at_end(struct scan *s, const char *what) {
    if (s->script->open.p == NULL && !s->cut) {
        s->script->open = str_c(what);
    }
}

/* Too much: what is behind is left out, and nothing is said of what is open. */
void shell_cut_off(struct scan *s) {
    s->at = s->text.n;
    s->cut = true;
}

bool shell_is_name_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Of where the scan stands now. */
unsigned shell_line_here(struct scan *s) {
    for (; s->counted < s->at && s->counted < s->text.n; s->counted++) {
        s->line += s->text.p[s->counted] == '\n';
    }
    return s->line;
}

static void scan_single(struct scan *s) {
    size_t end = str_find_c(s->text, '\'', s->at + 1);
    if (end == (size_t)-1) {
        shell_open_at_end(s, "quote");
        s->at = s->text.n;
    } else {
        s->at = end + 1;
    }
}

/* Behind "$((": up to the "))" that belongs to it. */
void shell_arithmetic(struct scan *s) {
    unsigned level = 0;
    while (!shell_done(s)) {
        char c = s->text.p[s->at++];
        level += c == '(';
        if (c == ')' && level-- == 0) {
            s->at += shell_peek(s, 0) == ')';
            return;
        }
    }
    shell_open_at_end(s, "((");
}

static void scan_expansion(struct scan *s);

/* "${...}": what it holds may hold quotes and expansions of its own. */
static void scan_braces(struct scan *s) {
    if (s->braces >= SHELL_MAX_DEPTH) {
        shell_cut_off(s);
        return;
    }
    s->braces++;
    size_t begin = s->at + 2;
    s->at = begin;
    while (shell_is_name_char(shell_peek(s, 0)) ||
           (s->at == begin && strchr("#!@*?", shell_peek(s, 0)) && !shell_done(s))) {
        s->at++;
    }
    char next = shell_peek(s, 0);
    if (next == '[' || (next == ':' && shell_peek(s, 1) != '-' && shell_peek(s, 1) != '=' &&
                        shell_peek(s, 1) != '+' && shell_peek(s, 1) != '?')) {
        shell_only_bash(s, next == '[' ? "an array" : "${name:offset}");
    } else if (next == '/' || next == '^' || next == ',') {
        shell_only_bash(s, next == '/' ? "${name/pattern/text}" : "${name^} or ${name,}");
    }
    while (!shell_done(s) && shell_peek(s, 0) != '}') {
        char c = shell_peek(s, 0);
        if (c == '\\') {
            s->at += 2;
        } else if (c == '\'') {
            scan_single(s);
        } else if (c == '$' || c == '`') {
            scan_expansion(s);
        } else {
            s->at++;
        }
    }
    if (shell_done(s)) {
        shell_open_at_end(s, "${");
    } else {
        s->at++;
    }
    s->braces--;
}

/* At '$' or '`'. */
static void scan_expansion(struct scan *s) {
    if (shell_peek(s, 0) == '`') {
        s->at++;
        shell_inner(s, '`', true);
    } else if (shell_peek(s, 1) == '(' && shell_peek(s, 2) == '(') {
        s->at += 3;
        shell_arithmetic(s);
    } else if (shell_peek(s, 1) == '(') {
        s->at += 2;
        shell_inner(s, ')', true);
    } else if (shell_peek(s, 1) == '{') {
        scan_braces(s);
    } else {
        s->at++;
    }
}

static void scan_double(struct scan *s, struct buf *word) {
    s->at++;
    while (!shell_done(s) && shell_peek(s, 0) != '"') {
        size_t begin = s->at;
        char c = shell_peek(s, 0);
        if (c == '\\') {
            s->at += 2;
        } else if (c == '$' || c == '`') {
            scan_expansion(s);
        } else {
            s->at++;
        }
        buf_add(word, str_sub(s->text, begin, s->at - begin));
    }
    if (shell_done(s)) {
        shell_open_at_end(s, "quote");
    } else {
        s->at++;
    }
}

bool shell_ends_word(char c, char end) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' || c == '|' || c == '&' ||
           c == '<' || c == '>' || c == '(' || c == ')' || c == '\0' || c == end;
}

/* One word. *ret_quoted: some of it stood in quotes, so that it is no keyword. */
struct str shell_word(struct scan *s, char end, bool *ret_quoted) {
    struct buf word cleanup_buf;
    buf_init(&word, s->text.n + 64);
    *ret_quoted = false;
    while (!shell_done(s) &&
           (!shell_ends_word(shell_peek(s, 0), end) || (shell_peek(s, 0) == '`' && end != '`'))) {
        size_t begin = s->at;
        char c = shell_peek(s, 0);
        if (c == '\'') {
            scan_single(s);
            *ret_quoted = true;
            size_t n = s->at - begin;
            buf_add(&word, str_sub(s->text, begin + 1, n > 1 ? n - 2 : 0));
            continue;
        }
        if (c == '"') {
            *ret_quoted = true;
            scan_double(s, &word);
            continue;
        }
        if (c == '\\') {
            s->at += 2;
            *ret_quoted = true;
        } else if (c == '$' && shell_peek(s, 1) == '\'') {
            s->at++;
            scan_single(s);
        } else if (c == '$' || c == '`') {
            scan_expansion(s);
        } else {
            s->at++;
        }
        s->at = s->at > s->text.n ? s->text.n : s->at;
        buf_add(&word, str_sub(s->text, begin, s->at - begin));
    }
    return buf_dup(s->arena, &word);
}

void shell_skip_blanks(struct scan *s) {
    for (;;) {
        char c = shell_peek(s, 0);
        if (c == ' ' || c == '\t' || c == '\r') {
            s->at++;
        } else if (c == '\\' && shell_peek(s, 1) == '\n') {
            s->at += 2;
        } else if (c == '\\' && shell_peek(s, 1) == '\r' && shell_peek(s, 2) == '\n') {
            s->at += 3;
        } else if (c == '#' && (s->at == 0 || shell_ends_word(s->text.p[s->at - 1], '\0'))) {
            while (!shell_done(s) && shell_peek(s, 0) != '\n') {
                s->at++;
            }
        } else {
            return;
        }
    }
}

/* At a line end: the bodies of the here-documents that were announced on this line. */
void shell_skip_documents(struct scan *s) {
    for (size_t i = 0; i < s->documents.n; i++) {
        bool ended = false;
        while (!shell_done(s) && !ended) {
            size_t end = str_find_c(s->text, '\n', s->at);
            end = end == (size_t)-1 ? s->text.n : end;
            struct str line = str_sub(s->text, s->at, end - s->at);
            s->at = end < s->text.n ? end + 1 : end;
            ended = str_eq(str_trim(line), s->documents.v[i]);
        }
        if (!ended) {
            shell_open_at_end(s, "<<");
        }
    }
    s->documents.n = 0;
}

/* At '<' or '>': the operator and the word behind it. */
void shell_redirection(struct scan *s, char end) {
    bool document = shell_peek(s, 0) == '<' && shell_peek(s, 1) == '<';
    if (document && shell_peek(s, 2) == '<') {
        shell_only_bash(s, "<<<");
        document = false;
    } else if (shell_peek(s, 1) == '(') {
        shell_only_bash(s, "<( ) or >( )");
        s->at += 2;
        shell_inner(s, ')', true);
        return;
    }
    while (shell_peek(s, 0) == '<' || shell_peek(s, 0) == '>' || shell_peek(s, 0) == '&' ||
           shell_peek(s, 0) == '|') {
        s->at++;
    }
    s->at += document && shell_peek(s, 0) == '-';
    shell_skip_blanks(s);
    bool quoted;
    struct str word = shell_word(s, end, &quoted);
    if (document && s->documents.n < 16) {
        *arena_push(s->arena, &s->documents) = word;
    }
}
