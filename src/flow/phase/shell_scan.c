/* Takes a shell command apart: operators, keywords, lists. */
#include "flow/phase/shell_internal.h"

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

static void shell_list(struct scan *s, char end);

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
        shell_cut_off(s);
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
            while (!shell_done(s) && shell_peek(s, 0) != '\n' && shell_peek(s, 0) != ';') {
                bool quoted;
                shell_skip_blanks(s);
                size_t before = s->at;
                struct str next = shell_word(s, '\0', &quoted);
                if (str_is(word, "case") && str_is(next, "in") && !quoted) {
                    break;
                }
                s->at += s->at == before && !shell_done(s) && shell_peek(s, 0) != '\n' &&
                         shell_peek(s, 0) != ';';
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
    char c = shell_peek(s, 0);
    char d = shell_peek(s, 1);
    unsigned line = shell_line_here(s);
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
            shell_skip_documents(s);
        }
    } else if (c == '|') {
        finish(s, now, d == '|' ? SHELL_OR : SHELL_PIPE);
        s->at += d == '|' || d == '&' ? 2 : 1;
    } else if (c == '&' && d == '>') {
        shell_only_bash(s, "&>");
        s->at++;
        shell_redirection(s, end);
    } else if (c == '&') {
        finish(s, now, d == '&' ? SHELL_AND : SHELL_BACKGROUND);
        s->at += d == '&' ? 2 : 1;
    } else if (c == '(') {
        size_t at = s->at++;
        if (now->begun && now->command.words.n == 1 && shell_peek(s, 0) == ')') {
            s->at++; /* a function: its body follows */
            *now = (struct current){0};
        } else if (shell_peek(s, 0) == '(') {
            s->at++;
            shell_only_bash(s, "(( ))");
            begin(s, now, at, line);
            shell_arithmetic(s);
        } else if (now->begun && now->end > 0 && s->text.p[now->end - 1] == '=') {
            shell_only_bash(s, "an array");
            shell_inner(s, ')', true);
        } else {
            shell_inner(s, ')', false);
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

static void shell_list(struct scan *s, char end) {
    struct current now = {0};
    unsigned depth = s->depth;
    while (!shell_done(s)) {
        shell_skip_blanks(s);
        if (shell_done(s)) {
            break;
        }
        size_t at = s->at;
        unsigned line = shell_line_here(s);
        char c = shell_peek(s, 0);
        if (c == '<' || c == '>') {
            begin(s, &now, at, line);
            shell_redirection(s, end);
            now.end = s->at;
            continue;
        }
        if (shell_ends_word(c, end)) {
            if (!operator_at(s, &now, end)) {
                s->depth = depth;
                return;
            }
            continue;
        }
        bool quoted;
        struct str word = shell_word(s, end, &quoted);
        s->at += s->at == at;
        bool first = now.command.words.n == 0;
        if (first && !quoted && is_one_of(word, bash_words)) {
            shell_only_bash(s, str_z(s->arena, word));
        }
        if (first && !quoted && keyword(s, &now, word, at, line)) {
            now.end = s->at;
            continue;
        }
        bool number = (shell_peek(s, 0) == '<' || shell_peek(s, 0) == '>') &&
                      str_find_c(S("0123456789"), word.n == 1 ? word.p[0] : 'x', 0) != (size_t)-1;
        begin(s, &now, at, line);
        now.end = s->at;
        if (!number) {
            *arena_push(s->arena, &now.command.words) = word;
        }
    }
    finish(s, &now, SHELL_END);
    if (s->depth > depth && end == '\0') {
        shell_open_at_end(s, "if, for, while, until, case or {");
    }
    s->depth = depth;
}

/* A list within a list: $( ), ` `, ( ). `end` is the character that closes it. */
void shell_inner(struct scan *s, char end, bool substituted) {
    bool outer = s->substituted;
    bool condition = s->condition;
    if (s->depth >= SHELL_MAX_DEPTH) {
        shell_cut_off(s);
        return;
    }
    s->depth++;
    s->substituted = outer || substituted;
    s->condition = false;
    shell_list(s, end);
    if (shell_done(s)) {
        shell_open_at_end(s, end == '`' ? "`" : "(");
    } else {
        s->at++;
    }
    s->depth--;
    s->substituted = outer;
    s->condition = condition;
}

struct shell_script shell_scan(struct arena *a, struct str text) {
    struct shell_script script = {0};
    struct scan s = {.arena = a, .text = text, .script = &script};
    shell_list(&s, '\0');
    return script;
}

static bool is_assignment(struct str word) {
    size_t n = 0;
    while (n < word.n && shell_is_name_char(word.p[n])) {
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
