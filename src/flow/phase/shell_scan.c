/* Takes a shell command apart. */
#include "flow/phase/shell_scan.h"

#include "base/buf.h"

struct scan {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth;
    bool substituted;
    bool condition;  /* between if, elif, while or until and what they decide */
    bool negated;    /* behind '!' */
    unsigned braces; /* "${" around */
    bool cut;        /* a bound was reached */
    size_t counted;  /* lines are counted up to here */
    unsigned line;
    struct shell_script *script;
    struct {
        struct str *v;
        size_t n;
    } documents; /* here-documents whose bodies begin at the next line */
};

static void scan_list(struct scan *s, char end);

static char peek(const struct scan *s, size_t ahead) {
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}

static bool done(const struct scan *s) {
    return s->at >= s->text.n;
}

static void only_bash(struct scan *s, const char *what) {
    if (s->script->bash.p == NULL) {
        s->script->bash = str_c(what);
    }
}

static void open_at_end(struct scan *s, const char *what) {
    if (s->script->open.p == NULL && !s->cut) {
        s->script->open = str_c(what);
    }
}

/* Too much: what is behind is left out, and nothing is said of what is open. */
static void cut_off(struct scan *s) {
    s->at = s->text.n;
    s->cut = true;
}

static bool is_name_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Of where the scan stands now. */
static unsigned line_here(struct scan *s) {
    for (; s->counted < s->at && s->counted < s->text.n; s->counted++) {
        s->line += s->text.p[s->counted] == '\n';
    }
    return s->line;
}

/* A list within a list: $( ), ` `, ( ). `end` is the character that closes it. */
static void scan_inner(struct scan *s, char end, bool substituted) {
    bool outer = s->substituted;
    bool condition = s->condition;
    if (s->depth >= SHELL_MAX_DEPTH) {
        cut_off(s);
        return;
    }
    s->depth++;
    s->substituted = outer || substituted;
    s->condition = false;
    scan_list(s, end);
    if (done(s)) {
        open_at_end(s, end == '`' ? "`" : "(");
    } else {
        s->at++;
    }
    s->depth--;
    s->substituted = outer;
    s->condition = condition;
}

static void scan_single(struct scan *s) {
    size_t end = str_find_c(s->text, '\'', s->at + 1);
    if (end == (size_t)-1) {
        open_at_end(s, "quote");
        s->at = s->text.n;
    } else {
        s->at = end + 1;
    }
}

/* Behind "$((": up to the "))" that belongs to it. */
static void scan_arithmetic(struct scan *s) {
    unsigned level = 0;
    while (!done(s)) {
        char c = s->text.p[s->at++];
        level += c == '(';
        if (c == ')' && level-- == 0) {
            s->at += peek(s, 0) == ')';
            return;
        }
    }
    open_at_end(s, "((");
}

static void scan_expansion(struct scan *s);

/* "${...}": what it holds may hold quotes and expansions of its own. */
static void scan_braces(struct scan *s) {
    if (s->braces >= SHELL_MAX_DEPTH) {
        cut_off(s);
        return;
    }
    s->braces++;
    size_t begin = s->at + 2;
    s->at = begin;
    while (is_name_char(peek(s, 0)) ||
           (s->at == begin && strchr("#!@*?", peek(s, 0)) && !done(s))) {
        s->at++;
    }
    char next = peek(s, 0);
    if (next == '[' || (next == ':' && peek(s, 1) != '-' && peek(s, 1) != '=' &&
                        peek(s, 1) != '+' && peek(s, 1) != '?')) {
        only_bash(s, next == '[' ? "an array" : "${name:offset}");
    } else if (next == '/' || next == '^' || next == ',') {
        only_bash(s, next == '/' ? "${name/pattern/text}" : "${name^} or ${name,}");
    }
    while (!done(s) && peek(s, 0) != '}') {
        char c = peek(s, 0);
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
    if (done(s)) {
        open_at_end(s, "${");
    } else {
        s->at++;
    }
    s->braces--;
}

/* At '$' or '`'. */
static void scan_expansion(struct scan *s) {
    if (peek(s, 0) == '`') {
        s->at++;
        scan_inner(s, '`', true);
    } else if (peek(s, 1) == '(' && peek(s, 2) == '(') {
        s->at += 3;
        scan_arithmetic(s);
    } else if (peek(s, 1) == '(') {
        s->at += 2;
        scan_inner(s, ')', true);
    } else if (peek(s, 1) == '{') {
        scan_braces(s);
    } else {
        s->at++;
    }
}

static void scan_double(struct scan *s, struct buf *word) {
    s->at++;
    while (!done(s) && peek(s, 0) != '"') {
        size_t begin = s->at;
        char c = peek(s, 0);
        if (c == '\\') {
            s->at += 2;
        } else if (c == '$' || c == '`') {
            scan_expansion(s);
        } else {
            s->at++;
        }
        buf_add(word, str_sub(s->text, begin, s->at - begin));
    }
    if (done(s)) {
        open_at_end(s, "quote");
    } else {
        s->at++;
    }
}

static bool ends_word(char c, char end) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' || c == '|' || c == '&' ||
           c == '<' || c == '>' || c == '(' || c == ')' || c == '\0' || c == end;
}

/* One word. *ret_quoted: some of it stood in quotes, so that it is no keyword. */
static struct str scan_word(struct scan *s, char end, bool *ret_quoted) {
    struct buf word cleanup_buf;
    buf_init(&word, s->text.n + 64);
    *ret_quoted = false;
    while (!done(s) && (!ends_word(peek(s, 0), end) || (peek(s, 0) == '`' && end != '`'))) {
        size_t begin = s->at;
        char c = peek(s, 0);
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
        } else if (c == '$' && peek(s, 1) == '\'') {
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

static void skip_blanks(struct scan *s) {
    for (;;) {
        char c = peek(s, 0);
        if (c == ' ' || c == '\t' || c == '\r') {
            s->at++;
        } else if (c == '\\' && peek(s, 1) == '\n') {
            s->at += 2;
        } else if (c == '\\' && peek(s, 1) == '\r' && peek(s, 2) == '\n') {
            s->at += 3;
        } else if (c == '#' && (s->at == 0 || ends_word(s->text.p[s->at - 1], '\0'))) {
            while (!done(s) && peek(s, 0) != '\n') {
                s->at++;
            }
        } else {
            return;
        }
    }
}

/* At a line end: the bodies of the here-documents that were announced on this line. */
static void skip_documents(struct scan *s) {
    for (size_t i = 0; i < s->documents.n; i++) {
        bool ended = false;
        while (!done(s) && !ended) {
            size_t end = str_find_c(s->text, '\n', s->at);
            end = end == (size_t)-1 ? s->text.n : end;
            struct str line = str_sub(s->text, s->at, end - s->at);
            s->at = end < s->text.n ? end + 1 : end;
            ended = str_eq(str_trim(line), s->documents.v[i]);
        }
        if (!ended) {
            open_at_end(s, "<<");
        }
    }
    s->documents.n = 0;
}

/* At '<' or '>': the operator and the word behind it. */
static void scan_redirection(struct scan *s, char end) {
    bool document = peek(s, 0) == '<' && peek(s, 1) == '<';
    if (document && peek(s, 2) == '<') {
        only_bash(s, "<<<");
        document = false;
    } else if (peek(s, 1) == '(') {
        only_bash(s, "<( ) or >( )");
        s->at += 2;
        scan_inner(s, ')', true);
        return;
    }
    while (peek(s, 0) == '<' || peek(s, 0) == '>' || peek(s, 0) == '&' || peek(s, 0) == '|') {
        s->at++;
    }
    s->at += document && peek(s, 0) == '-';
    skip_blanks(s);
    bool quoted;
    struct str word = scan_word(s, end, &quoted);
    if (document && s->documents.n < 16) {
        *arena_push(s->arena, &s->documents) = word;
    }
}

static bool is_one_of(struct str word, const char *const *list) {
    for (; *list != NULL; list++) {
        if (str_is(word, *list)) {
            return true;
        }
    }
    return false;
}

static const char *const openers[] = {"if", "for", "while", "until", "case", "{", "select", NULL};
static const char *const closers[] = {"fi", "done", "esac", "}", NULL};
static const char *const middles[] = {"then", "do", "else", "elif", "!", NULL};
static const char *const bash_words[] = {"[[",        "source",  "pushd",   "popd",
                                         "shopt",     "declare", "mapfile", "function",
                                         "readarray", "let",     "select",  NULL};

/* What a command is while it is being read. */
struct current {
    struct shell_command command;
    bool begun;
    size_t begin, end;
};

static void finish(struct scan *s, struct current *now, enum shell_join join) {
    if (now->begun && s->script->n < SHELL_MAX_COMMANDS) {
        now->command.join = join;
        now->command.text = str_sub(s->text, now->begin, now->end - now->begin);
        *arena_push(s->arena, s->script) = now->command;
    } else if (now->begun) {
        cut_off(s);
    }
    *now = (struct current){0};
    s->negated = false;
}

/* `at` and `line`: where the word that begins it stands. */
static void begin(struct scan *s, struct current *now, size_t at, unsigned line) {
    if (now->begun) {
        return;
    }
    now->begun = true;
    now->begin = at;
    now->command.line = line;
    now->command.depth = s->depth;
    now->command.condition = s->condition || s->negated;
    now->command.substituted = s->substituted;
}

/* What is behind "else" or ";;" does not follow what is before it. */
static void end_branch(struct scan *s) {
    for (size_t i = s->script->n; i > 0; i--) {
        struct shell_command *c = &s->script->v[i - 1];
        if (c->depth <= s->depth) {
            c->join = c->depth == s->depth && c->join == SHELL_NEXT ? SHELL_END : c->join;
            return;
        }
    }
}

/* Keywords stand where a command may begin. False when `word` is none there. */
static bool keyword(struct scan *s, struct current *now, struct str word, size_t at,
                    unsigned line) {
    if (is_one_of(word, openers)) {
        s->depth++;
        s->condition = str_is(word, "if") || str_is(word, "while") || str_is(word, "until");
        if (str_is(word, "for") || str_is(word, "case") || str_is(word, "select")) {
            /* "for NAME in WORDS", "case WORD in": no command. */
            while (!done(s) && peek(s, 0) != '\n' && peek(s, 0) != ';') {
                bool quoted;
                skip_blanks(s);
                size_t before = s->at;
                struct str next = scan_word(s, '\0', &quoted);
                if (str_is(word, "case") && str_is(next, "in") && !quoted) {
                    break;
                }
                s->at += s->at == before && !done(s) && peek(s, 0) != '\n' && peek(s, 0) != ';';
            }
        }
        return true;
    }
    if (is_one_of(word, closers)) {
        s->depth -= s->depth > 0;
        begin(s, now, at, line);
        now->command.depth = s->depth;
        now->command.closer = true;
        now->command.condition = false;
        *arena_push(s->arena, &now->command.words) = word;
        return true;
    }
    if (is_one_of(word, middles)) {
        if (str_is(word, "else") || str_is(word, "elif")) {
            end_branch(s);
        }
        s->negated = str_is(word, "!");
        s->condition = str_is(word, "elif") || (s->negated && s->condition);
        return true;
    }
    return false;
}

/* At an operator between commands. False at the end of this list. */
static bool operator_at(struct scan *s, struct current *now, char end) {
    char c = peek(s, 0);
    char d = peek(s, 1);
    unsigned line = line_here(s);
    if (c == end && end != '\0') {
        finish(s, now, SHELL_END);
        return false;
    }
    if (c == '\n' || c == ';') {
        finish(s, now, SHELL_NEXT);
        if (c == ';' && d == ';') {
            end_branch(s);
            s->at++;
        }
        s->at++;
        if (c == '\n' && s->documents.n > 0) {
            skip_documents(s);
        }
    } else if (c == '|') {
        finish(s, now, d == '|' ? SHELL_OR : SHELL_PIPE);
        s->at += d == '|' || d == '&' ? 2 : 1;
    } else if (c == '&' && d == '>') {
        only_bash(s, "&>");
        s->at++;
        scan_redirection(s, end);
    } else if (c == '&') {
        finish(s, now, d == '&' ? SHELL_AND : SHELL_BACKGROUND);
        s->at += d == '&' ? 2 : 1;
    } else if (c == '(') {
        size_t at = s->at++;
        if (now->begun && now->command.words.n == 1 && peek(s, 0) == ')') {
            s->at++; /* a function: its body follows */
            *now = (struct current){0};
        } else if (peek(s, 0) == '(') {
            s->at++;
            only_bash(s, "(( ))");
            begin(s, now, at, line);
            scan_arithmetic(s);
        } else if (now->begun && now->end > 0 && s->text.p[now->end - 1] == '=') {
            only_bash(s, "an array");
            scan_inner(s, ')', true);
        } else {
            scan_inner(s, ')', false);
            begin(s, now, at, line);
            now->command.closer = true;
            *arena_push(s->arena, &now->command.words) = S(")");
        }
        now->end = s->at;
    } else if (c == ')') {
        finish(s, now, SHELL_NEXT); /* behind a pattern of case */
        s->script->n -= s->script->n > 0 && s->depth > 0;
        s->at++;
    } else {
        s->at++;
    }
    return true;
}

static void scan_list(struct scan *s, char end) {
    struct current now = {0};
    unsigned depth = s->depth;
    while (!done(s)) {
        skip_blanks(s);
        if (done(s)) {
            break;
        }
        size_t at = s->at;
        unsigned line = line_here(s);
        char c = peek(s, 0);
        if (c == '<' || c == '>') {
            begin(s, &now, at, line);
            scan_redirection(s, end);
            now.end = s->at;
            continue;
        }
        if (ends_word(c, end)) {
            if (!operator_at(s, &now, end)) {
                s->depth = depth;
                return;
            }
            continue;
        }
        bool quoted;
        struct str word = scan_word(s, end, &quoted);
        s->at += s->at == at;
        bool first = now.command.words.n == 0;
        if (first && !quoted && is_one_of(word, bash_words)) {
            only_bash(s, str_z(s->arena, word));
        }
        if (first && !quoted && keyword(s, &now, word, at, line)) {
            now.end = s->at;
            continue;
        }
        bool number = (peek(s, 0) == '<' || peek(s, 0) == '>') &&
                      str_find_c(S("0123456789"), word.n == 1 ? word.p[0] : 'x', 0) != (size_t)-1;
        begin(s, &now, at, line);
        now.end = s->at;
        if (!number) {
            *arena_push(s->arena, &now.command.words) = word;
        }
    }
    finish(s, &now, SHELL_END);
    if (s->depth > depth && end == '\0') {
        open_at_end(s, "if, for, while, until, case or {");
    }
    s->depth = depth;
}

struct shell_script shell_scan(struct arena *a, struct str text) {
    struct shell_script script = {0};
    struct scan s = {.arena = a, .text = text, .script = &script};
    scan_list(&s, '\0');
    return script;
}

static bool is_assignment(struct str word) {
    size_t n = 0;
    while (n < word.n && is_name_char(word.p[n])) {
        n++;
    }
    return n > 0 && n < word.n &&
           (word.p[n] == '=' || (word.p[n] == '+' && n + 1 < word.n && word.p[n + 1] == '='));
}

struct str shell_program(const struct shell_command *command, size_t *ret_at) {
    static const char *const wrappers[] = {"sudo", "time", "env", "exec", "command", "nohup", NULL};
    for (size_t i = 0; i < command->words.n; i++) {
        struct str word = command->words.v[i];
        bool option = i > 0 && word.n > 0 && word.p[0] == '-';
        if (!is_assignment(word) && !is_one_of(word, wrappers) && !option) {
            size_t slash = str_rfind_c(word, '/');
            *ret_at = i;
            return slash == (size_t)-1 ? word : str_sub(word, slash + 1, word.n);
        }
    }
    *ret_at = command->words.n;
    return STR_NONE;
}
