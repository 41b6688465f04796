/*
 * Reads an .api file: one fact per line, blank-separated words; a line that begins with a blank
 * belongs to the op, struct, enum or error above it. The syntax is described in api/README.md.
 */
#include "apigen.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 400 };

struct reader {
    struct service *s;
    int line;
    struct op *op; /* what indented lines belong to: one of these two, or neither */
    struct def *def;
    const char *words[MAX_WORDS + 1];
    size_t n;
};

static const char *const protocol_names[] = {"json1.0", "json1.1", "query", "rest-xml",
                                             "rest-json"};

static int protocol_of(struct reader *r, const char *word) {
    for (int i = 0; i < 5; i++) {
        if (strcmp(word, protocol_names[i]) == 0) {
            return i;
        }
    }
    fail(r->s, r->line, "unknown protocol '%s'", word);
}

static void split(struct reader *r, char *line) {
    r->n = 0;
    for (char *w = strtok(line, " \t\r\n"); w != NULL; w = strtok(NULL, " \t\r\n")) {
        if (r->n == MAX_WORDS) {
            fail(r->s, r->line, "too many words");
        }
        r->words[r->n++] = text("%s", w);
    }
    r->words[r->n] = NULL;
}

static void need(struct reader *r, size_t min, size_t max) {
    if (r->n < min || r->n > max) {
        fail(r->s, r->line, "'%s' takes %zu to %zu words, not %zu", r->words[0], min - 1, max - 1,
             r->n - 1);
    }
}

/* "item=Tag" gives "Tag" for key "item"; NULL if the word is another attribute. */
static const char *attribute(const char *word, const char *key) {
    size_t n = strlen(key);
    return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static bool read_service_line(struct reader *r) {
    struct service *s = r->s;
    const char *key = r->words[0];
    const char **one = strcmp(key, "service") == 0   ? &s->name
                       : strcmp(key, "target") == 0  ? &s->target
                       : strcmp(key, "version") == 0 ? &s->version
                       : strcmp(key, "xmlns") == 0   ? &s->xmlns
                       : strcmp(key, "signing") == 0 ? &s->signing
                       : strcmp(key, "prefix") == 0  ? &s->prefix
                                                     : NULL;
    if (one != NULL) {
        need(r, 2, 2);
        *one = r->words[1];
    } else if (strcmp(key, "protocol") == 0) {
        need(r, 2, 3);
        s->protocol = protocol_of(r, r->words[1]);
        s->protocol2 = r->n == 3 ? protocol_of(r, r->words[2]) : SHAPE_NO_PROTOCOL;
    } else if (strcmp(key, "host") == 0) {
        need(r, 2, 3);
        s->host = r->words[1];
        s->global = r->n == 3 && strcmp(r->words[2], "global") == 0;
        if (r->n == 3 && !s->global) {
            fail(s, r->line, "'%s' is not 'global'", r->words[2]);
        }
    } else if (strcmp(key, "query-compatible") == 0) {
        need(r, 1, 1);
        s->query_compatible = true;
    } else if (strcmp(key, "no-nul") == 0) {
        need(r, 1, 1);
        s->no_nul = true;
    } else if (strcmp(key, "patterns") == 0) {
        need(r, 1, 1);
        s->patterns = true;
    } else if (strcmp(key, "called") == 0) {
        need(r, 1, 1);
        s->called = true;
    } else {
        return false;
    }
    return true;
}

static struct def *add_def(struct reader *r, enum def_kind kind, const char *name) {
    for (size_t i = 0; i < r->s->defs.n; i++) {
        const struct def *d = r->s->defs.v[i];
        if (strcmp(d->name, name) == 0) {
            fail(r->s, r->line, "'%s' is already on line %d", name, d->line);
        }
    }
    struct def *d = zalloc(sizeof *d);
    d->kind = kind;
    d->name = name;
    d->snake = snake_case(name);
    d->line = r->line;
    vec_push(&r->s->defs, d);
    return d;
}

static void add_words(struct reader *r, size_t from, struct vec *to) {
    for (size_t i = from; i < r->n; i++) {
        vec_push(to, (void *)r->words[i]);
    }
}

/* op NAME IN -> OUT [! ERROR...], with '-' where the model has no input or output. */
static void read_op(struct reader *r) {
    if (r->n < 5 || strcmp(r->words[3], "->") != 0 || (r->n > 5 && strcmp(r->words[5], "!") != 0)) {
        fail(r->s, r->line, "expected: op NAME IN -> OUT [! ERROR...]");
    }
    struct op *op = zalloc(sizeof *op);
    op->name = r->words[1];
    op->snake = snake_case(op->name);
    op->in_name = strcmp(r->words[2], "-") == 0 ? NULL : r->words[2];
    op->out_name = strcmp(r->words[4], "-") == 0 ? NULL : r->words[4];
    op->method = "POST";
    op->uri = "/";
    op->status = 200;
    op->line = r->line;
    add_words(r, 6, &op->errors);
    vec_push(&r->s->ops, op);
    r->op = op;
}

static int status_of(struct reader *r, const char *word) {
    char *end;
    long status = strtol(word, &end, 10);
    if (*end != '\0' || status < 200 || status > 599) {
        fail(r->s, r->line, "'%s' is not an HTTP status", word);
    }
    return (int)status;
}

/* error NAME STATUS [code=CODE] [message=Message] [common] */
static void read_error(struct reader *r) {
    need(r, 3, 6);
    struct def *d = add_def(r, DEF_ERROR, r->words[1]);
    d->status = status_of(r, r->words[2]);
    d->code = d->name;
    d->message_name = "message";
    for (size_t i = 3; i < r->n; i++) {
        const char *code = attribute(r->words[i], "code");
        const char *message = attribute(r->words[i], "message");
        if (code == NULL && message == NULL && strcmp(r->words[i], "common") != 0) {
            fail(r->s, r->line, "'%s' is not code=..., message=... or common", r->words[i]);
        }
        d->code = code ? code : d->code;
        d->message_name = message ? message : d->message_name;
    }
    r->def = d;
}

/* struct NAME [xmlname=ROOT] [unwrapped] */
static void read_struct(struct reader *r) {
    need(r, 2, 4);
    struct def *d = add_def(r, DEF_STRUCT, r->words[1]);
    for (size_t i = 2; i < r->n; i++) {
        const char *xml_name = attribute(r->words[i], "xmlname");
        if (xml_name != NULL) {
            d->xml_name = xml_name;
        } else if (strcmp(r->words[i], "unwrapped") == 0) {
            d->unwrapped = true;
        } else {
            fail(r->s, r->line, "'%s' is not xmlname=... or unwrapped", r->words[i]);
        }
    }
    r->def = d;
}

static void read_top(struct reader *r) {
    r->op = NULL;
    r->def = NULL;
    if (read_service_line(r)) {
        return;
    }
    const char *key = r->words[0];
    if (strcmp(key, "op") == 0) {
        read_op(r);
    } else if (strcmp(key, "struct") == 0) {
        read_struct(r);
    } else if (strcmp(key, "error") == 0) {
        read_error(r);
    } else if (strcmp(key, "enum") == 0 && r->n >= 2) {
        r->def = add_def(r, DEF_ENUM, r->words[1]);
        add_words(r, 2, &r->def->values);
    } else {
        fail(r->s, r->line, "unknown line '%s'", key);
    }
}

/* iam ACTION [TEMPLATE,TEMPLATE...] [if MEMBER | unless MEMBER], or: iam - */
static void read_right(struct reader *r) {
    need(r, 2, 5);
    if (strcmp(r->words[1], "-") == 0) {
        r->op->no_right = true;
        return;
    }
    struct right *right = zalloc(sizeof *right);
    right->action = r->words[1];
    right->line = r->line;
    size_t i = 2;
    if (r->n == 3 || r->n == 5) {
        char *list = text("%s", r->words[i++]);
        for (char *t = strtok(list, ","); t != NULL; t = strtok(NULL, ",")) {
            vec_push(&right->templates, text("%s", t));
        }
    }
    if (i < r->n) {
        bool is_if = strcmp(r->words[i], "if") == 0;
        if (!is_if && strcmp(r->words[i], "unless") != 0) {
            fail(r->s, r->line, "expected: iam ACTION [TEMPLATES] [if MEMBER | unless MEMBER]");
        }
        *(is_if ? &right->if_member : &right->unless_member) = r->words[i + 1];
    }
    if (strchr(right->action, ':') == NULL) {
        fail(r->s, r->line, "action '%s' has no service prefix", right->action);
    }
    vec_push(&r->op->rights, right);
}

static void read_op_line(struct reader *r) {
    const char *key = r->words[0];
    if (strcmp(key, "!") == 0) {
        add_words(r, 1, &r->op->errors);
    } else if (strcmp(key, "iam") == 0) {
        read_right(r);
    } else if (strcmp(key, "http") == 0) {
        need(r, 3, 4);
        r->op->method = r->words[1];
        r->op->uri = r->words[2];
        r->op->status = r->n == 4 ? status_of(r, r->words[3]) : 200;
    } else if (strcmp(key, "unimplemented") == 0) {
        r->op->flags |= SHAPE_OP_UNIMPLEMENTED;
    } else if (strcmp(key, "read") == 0) {
        r->op->flags |= SHAPE_OP_READ;
    } else if (strcmp(key, "checksum") == 0) {
        r->op->flags |= SHAPE_OP_CHECKSUM;
    } else if (strcmp(key, "unsigned") == 0) {
        r->op->flags |= SHAPE_OP_UNSIGNED;
    } else {
        fail(r->s, r->line, "unknown line '%s' below op %s", key, r->op->name);
    }
}

/* Places, and what they are called on the wire. */
static bool read_place(struct reader *r, struct member *m, size_t *i) {
    static const char *const places[] = {NULL, "header", "headers", "query", "uri", "status"};
    for (size_t p = 1; p < 6; p++) {
        if (strcmp(r->words[*i], places[p]) != 0) {
            continue;
        }
        m->place = (enum shape_place)p;
        if (p != SHAPE_IN_STATUS) {
            if (r->words[*i + 1] == NULL) {
                fail(r->s, r->line, "'%s' needs a name", places[p]);
            }
            m->wire = r->words[++*i];
        }
        return true;
    }
    return false;
}

static void read_attribute(struct reader *r, struct member *m, struct type *outer, size_t *i) {
    static const struct {
        const char *word;
        unsigned flag;
    } flags[] = {{"payload", SHAPE_MEMBER_PAYLOAD},
                 {"attribute", SHAPE_MEMBER_ATTRIBUTE},
                 {"token", SHAPE_MEMBER_TOKEN},
                 {"sensitive", SHAPE_MEMBER_SENSITIVE}};
    const char *word = r->words[*i];
    for (size_t k = 0; k < 4; k++) {
        if (strcmp(word, flags[k].word) == 0) {
            m->flags |= flags[k].flag;
            return;
        }
    }
    const char *value;
    bool list = outer->kind == SHAPE_LIST;
    bool map = outer->kind == SHAPE_MAP;
    if (read_place(r, m, i)) {
        return;
    } else if ((value = attribute(word, "xmlname")) != NULL) {
        m->wire = value;
    } else if ((value = attribute(word, "xmlns")) != NULL) {
        m->xmlns = value;
    } else if ((value = attribute(word, list ? "item" : "value")) != NULL && (list || map)) {
        outer->item_name = value;
    } else if ((value = attribute(word, "key")) != NULL && map) {
        outer->key_name = value;
    } else if (strcmp(word, "flat") == 0 && (list || map)) {
        outer->flat = true;
    } else {
        fail(r->s, r->line, "'%s' does not belong to this member", word);
    }
}

/* NAME[!] TYPE [attributes] */
static void read_member(struct reader *r) {
    struct member *m = zalloc(sizeof *m);
    char *name = text("%s", r->words[0]);
    size_t len = strlen(name);
    if (name[len - 1] == '!') {
        name[len - 1] = '\0';
        m->flags |= SHAPE_MEMBER_REQUIRED;
    }
    m->name = m->wire = name;
    m->field = field_name(name);
    m->line = r->line;
    size_t i = 1;
    struct type *plain = type_parse(r->s, r->line, r->words, &i);
    struct type *outer = zalloc(sizeof *outer);
    *outer = *plain;
    outer->line = r->line;
    for (; i < r->n; i++) {
        read_attribute(r, m, outer, &i);
    }
    m->type = type_intern(r->s, outer);
    for (size_t k = 0; k < r->def->members.n; k++) {
        const struct member *other = r->def->members.v[k];
        if (strcmp(other->field, m->field) == 0) {
            fail(r->s, r->line, "member '%s' is already on line %d", name, other->line);
        }
    }
    vec_push(&r->def->members, m);
}

static void read_line(struct reader *r, char *line) {
    bool indented = isspace((unsigned char)line[0]);
    split(r, line);
    if (r->n == 0 || r->words[0][0] == '#') {
        return;
    }
    if (!indented) {
        read_top(r);
    } else if (r->op != NULL) {
        read_op_line(r);
    } else if (r->def == NULL) {
        fail(r->s, r->line, "an indented line needs an op, struct, enum or error above it");
    } else if (r->def->kind == DEF_ENUM) {
        add_words(r, 0, &r->def->values);
    } else {
        read_member(r);
    }
}

struct service *read_api(const char *path) {
    struct service *s = zalloc(sizeof *s);
    const char *slash = strrchr(path, '/');
    s->file = path;
    s->base = slash ? slash + 1 : path;
    s->protocol = -1;
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    struct reader r = {.s = s};
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, in) >= 0) {
        r.line++;
        read_line(&r, line);
    }
    if (ferror(in)) {
        fail(s, r.line, "cannot read on: %s", strerror(errno));
    }
    free(line);
    fclose(in);
    return s;
}
