/* Mends a buildspec, one finding after the other. */
#include "flow/phase/lint_fix.h"

#include "base/buf.h"
#include "platform/text/yaml_tabs.h"

/* A place in the text: one line and a byte in it. */
struct place {
    size_t begin; /* of the line */
    size_t end;   /* of the line, without CR and LF */
    size_t next;  /* of the line behind it */
    size_t at;    /* of the finding */
};

struct edit {
    size_t from, to;
    struct str text;
};

static bool find_place(struct str text, unsigned line, unsigned column, struct place *ret) {
    size_t at = str_starts(text, S("\xEF\xBB\xBF")) ? 3 : 0;
    ret->begin = at;
    for (unsigned i = 1; i < line; i++) {
        size_t end = str_find_c(text, '\n', ret->begin);
        if (end == (size_t)-1) {
            return false;
        }
        ret->begin = end + 1;
    }
    size_t end = str_find_c(text, '\n', ret->begin);
    ret->end = end == (size_t)-1 ? text.n : end;
    ret->next = end == (size_t)-1 ? text.n : end + 1;
    ret->end -= ret->end > ret->begin && text.p[ret->end - 1] == '\r';
    ret->at = ret->begin;
    for (unsigned i = 1; i < column && ret->at < ret->end; i++) {
        ret->at++;
        while (ret->at < ret->end && ((unsigned char)text.p[ret->at] & 0xC0) == 0x80) {
            ret->at++;
        }
    }
    return ret->at <= ret->end;
}

/* The whole item in single quotes. */
static bool quote_command(struct arena *a, struct str text, const struct place *p,
                          struct edit *ret) {
    struct str item = str_trim(str_sub(text, p->at, p->end - p->at));
    if (item.n == 0 || strchr("\"'{[&*!?|>%@`", item.p[0]) != NULL ||
        str_find(item, S(" #"), 0) != (size_t)-1) {
        return false;
    }
    struct buf quoted cleanup_buf;
    buf_init(&quoted, item.n * 2 + 2);
    buf_add_c(&quoted, '\'');
    for (size_t i = 0; i < item.n; i++) {
        buf_add_c(&quoted, item.p[i]);
        if (item.p[i] == '\'') {
            buf_add_c(&quoted, '\'');
        }
    }
    buf_add_c(&quoted, '\'');
    *ret = (struct edit){p->at, p->end, buf_dup(a, &quoted)};
    return true;
}

/* $NAME to ${NAME}, in the rest of the line. */
static bool brace_variables(struct arena *a, struct str text, const struct place *p,
                            struct edit *ret) {
    struct buf out cleanup_buf;
    buf_init(&out, (p->end - p->at) * 2 + 16);
    bool changed = false;
    for (size_t i = p->at; i < p->end;) {
        size_t n = 0;
        while (text.p[i] == '$' && i + 1 + n < p->end &&
               (buildspec_variable_name(str_sub(text, i + 1 + n, 1)) ||
                (n > 0 && text.p[i + 1 + n] >= '0' && text.p[i + 1 + n] <= '9'))) {
            n++;
        }
        if (n > 0) {
            buf_printf(&out, "${" STR_FMT "}", STR_ARG(str_sub(text, i + 1, n)));
            changed = true;
            i += n + 1;
        } else {
            buf_add_c(&out, text.p[i++]);
        }
    }
    *ret = (struct edit){p->at, p->end, buf_dup(a, &out)};
    return changed;
}

/* An item of nothing goes; one that is only a comment becomes a comment. */
static bool drop_item(struct str text, const struct place *p, struct edit *ret) {
    struct str line = str_sub(text, p->begin, p->end - p->begin);
    struct str item = str_trim(line);
    if (item.n == 0 || item.p[0] != '-') {
        return false;
    }
    struct str rest = str_trim(str_sub(item, 1, item.n));
    if (rest.n == 0 || str_is(rest, "~") || str_is(rest, "null")) {
        *ret = (struct edit){p->begin, p->next, S("")};
        return true;
    }
    size_t dash = str_find_c(line, '-', 0);
    size_t comment = str_find_c(line, '#', dash);
    *ret = (struct edit){p->begin + dash, p->begin + comment, S("")};
    return rest.p[0] == '#';
}

static bool rename_key(struct str text, const struct place *p, const struct buildspec_note *note,
                       struct edit *ret) {
    size_t end = p->at;
    while (end < p->end && text.p[end] != ':' && text.p[end] != ' ') {
        end++;
    }
    *ret = (struct edit){p->at, end, note->mend};
    return note->mend.p != NULL && end > p->at;
}

static bool add_version(struct str text, struct edit *ret) {
    size_t at = str_starts(text, S("\xEF\xBB\xBF")) ? 3 : 0;
    struct str rest = str_sub(text, at, text.n);
    if (str_starts(rest, S("---\n"))) {
        at += 4;
    } else if (str_starts(rest, S("---")) || str_starts(rest, S("%"))) {
        return false;
    }
    size_t end = str_find_c(text, '\n', at);
    bool crlf = end != (size_t)-1 && end > at && text.p[end - 1] == '\r';
    *ret = (struct edit){at, at, crlf ? S("version: 0.2\r\n") : S("version: 0.2\n")};
    return true;
}

static bool replace_tab(struct str text, struct edit *ret) {
    unsigned line, column;
    struct place p;
    if (!yaml_find_tab(text, &line, &column) || !find_place(text, line, column, &p) ||
        p.at >= text.n || text.p[p.at] != '\t') {
        return false;
    }
    *ret = (struct edit){p.at, p.at + 1, S(" ")};
    return true;
}

static bool propose(struct arena *a, struct str text, const struct buildspec_note *note,
                    struct edit *ret) {
    struct place p;
    if (!find_place(text, note->line, note->column, &p)) {
        return false;
    }
    struct str code = str_c(note->code);
    if (str_is(code, "map-command")) {
        return quote_command(a, text, &p, ret);
    }
    if (str_is(code, "literal-variable")) {
        return brace_variables(a, text, &p, ret);
    }
    if (str_is(code, "empty-command")) {
        return drop_item(text, &p, ret);
    }
    if (str_is(code, "unknown-key")) {
        return rename_key(text, &p, note, ret);
    }
    if (str_is(code, "version")) {
        return add_version(text, ret);
    }
    return str_is(code, "yaml") && replace_tab(text, ret);
}

static size_t count(const struct buildspec *spec, const char *code) {
    size_t n = 0;
    for (size_t i = 0; i < spec->errors.n; i++) {
        n += strcmp(spec->errors.v[i].code, code) == 0;
    }
    for (size_t i = 0; i < spec->warnings.n; i++) {
        n += strcmp(spec->warnings.v[i].code, code) == 0;
    }
    return n;
}

static bool is_there(const struct buildspec_notes *notes, const struct buildspec_note *note) {
    for (size_t i = 0; i < notes->n; i++) {
        const struct buildspec_note *n = &notes->v[i];
        if (n->line == note->line && n->column == note->column &&
            strcmp(n->code, note->code) == 0) {
            return true;
        }
    }
    return false;
}

/* The finding is gone, there are no more errors, and no key stands twice for it. Of tabs one is
 * gone as soon as the next one stands further behind. */
static bool is_better(const struct buildspec *before, const struct buildspec *now,
                      const struct buildspec_note *note) {
    if (strcmp(note->code, "yaml") == 0) {
        const struct buildspec_note *next = now->errors.n > 0 ? &now->errors.v[0] : NULL;
        return count(now, "yaml") == 0 ||
               (next != NULL && (next->line > note->line ||
                                 (next->line == note->line && next->column > note->column)));
    }
    bool gone = !is_there(&now->errors, note) && !is_there(&now->warnings, note);
    return (gone || count(now, note->code) < count(before, note->code)) &&
           count(now, "yaml") == 0 && now->errors.n <= before->errors.n &&
           count(now, "duplicate-key") <= count(before, "duplicate-key");
}

static struct str apply(struct arena *a, struct str text, const struct edit *edit) {
    struct str head = str_concat(a, str_sub(text, 0, edit->from), edit->text);
    return str_concat(a, head, str_sub(text, edit->to, text.n));
}

static struct str line_at(struct arena *a, struct str text, size_t at) {
    size_t begin = at;
    while (begin > 0 && text.p[begin - 1] != '\n') {
        begin--;
    }
    size_t end = str_find_c(text, '\n', at);
    end = end == (size_t)-1 ? text.n : end;
    return str_dup(a, str_trim(str_sub(text, begin, end - begin)));
}

/* One finding less. False when nothing can be mended any more. */
static int fix_one(struct arena *a, const char *file, struct str *io_text, struct lint_fixes *io,
                   bool *ret_fixed, struct err *err) {
    struct buildspec before;
    *ret_fixed = false;
    if (lint_buildspec(a, file, *io_text, &before, err) < 0) {
        return -1;
    }
    size_t n = before.errors.n + before.warnings.n;
    for (size_t i = 0; i < n; i++) {
        const struct buildspec_note *note =
            i < before.errors.n ? &before.errors.v[i] : &before.warnings.v[i - before.errors.n];
        struct edit edit;
        struct buildspec now;
        if (!propose(a, *io_text, note, &edit)) {
            continue;
        }
        struct str mended = apply(a, *io_text, &edit);
        if (lint_buildspec(a, file, mended, &now, err) < 0) {
            return -1;
        }
        if (is_better(&before, &now, note)) {
            bool gone = edit.text.n == 0 && edit.to > edit.from && mended.n < io_text->n &&
                        str_is(str_c(note->code), "empty-command") &&
                        io_text->p[edit.to - 1] == '\n';
            *arena_push(a, io) =
                (struct lint_fixed){note->code, note->line, line_at(a, *io_text, edit.from),
                                    gone ? STR_NONE : line_at(a, mended, edit.from)};
            *io_text = mended;
            *ret_fixed = true;
            return 0;
        }
    }
    return 0;
}

int lint_fix(struct arena *a, const char *file, struct str text, struct str *ret_text,
             struct lint_fixes *ret, struct err *err) {
    bool fixed = true;
    *ret_text = text;
    *ret = (struct lint_fixes){0};
    while (fixed && ret->n < LINT_MAX_FIXES) {
        if (fix_one(a, file, ret_text, ret, &fixed, err) < 0) {
            return -1;
        }
    }
    return 0;
}
