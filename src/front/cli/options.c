/* Takes a command line apart by a verb's option table; cli.h. Options may stand anywhere behind the
 * verb, `--` ends them, `--name=value` and `--name value` are the same. */
#include "front/cli/cli.h"
#include "front/cli/near.h"

#include <string.h>

static const struct cli_option common[] = {
    {"data", 0, "DIR", "data directory of the server ($TRUNKLINE_DATA)"},
    {"url", 0, "URL", "a server elsewhere, with AWS_ACCESS_KEY_ID and so on ($TRUNKLINE_URL)"},
    {"json", 0, NULL, "one JSON document instead of text"},
    {"help", 'h', NULL, "this text"},
    {0},
};
static const struct cli_option common_text[] = {
    {"data", 0, "DIR", "data directory of the server ($TRUNKLINE_DATA)"},
    {"url", 0, "URL", "a server elsewhere, with AWS_ACCESS_KEY_ID and so on ($TRUNKLINE_URL)"},
    {"help", 'h', NULL, "this text"},
    {0},
};
static const struct cli_option common_local[] = {
    {"json", 0, NULL, "one JSON document instead of text"},
    {"help", 'h', NULL, "this text"},
    {0},
};
static const struct cli_option common_help[] = {
    {"help", 'h', NULL, "this text"},
    {0},
};

const struct cli_option *options_common(const struct cli_verb *verb) {
    if (verb->flags & CLI_NO_SERVER_OPTIONS) {
        return verb->flags & CLI_NO_JSON ? common_help : common_local;
    }
    return verb->flags & CLI_NO_JSON ? common_text : common;
}

static const struct cli_option *find_in(const struct cli_option *table, const char *name, size_t n,
                                        char letter) {
    for (const struct cli_option *o = table; o != NULL && o->name != NULL; o++) {
        if (letter ? o->letter == letter : strlen(o->name) == n && strncmp(o->name, name, n) == 0) {
            return o;
        }
    }
    return NULL;
}

static const struct cli_option *find(const struct cli_verb *verb, const char *name, size_t n,
                                     char letter) {
    const struct cli_option *o = find_in(verb->options, name, n, letter);
    return o ? o : find_in(options_common(verb), name, n, letter);
}

static void add(struct cli *c, const struct cli_option *option, const char *value) {
    *arena_push(&c->arena, &c->values) = (struct cli_value){option, value};
}

/* One word that begins with "--"; *i moves on when the value is the next word. */
static int parse_long(struct cli *c, int argc, char **argv, int *i, struct err *err) {
    const char *word = argv[*i] + 2;
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const struct cli_option *option = find(c->verb, word, n, 0);
    if (option == NULL) {
        return err_set(err, ERR_INVALID, "there is no option --%.*s", (int)n, word);
    }
    if (option->value == NULL) {
        if (equals) {
            return err_set(err, ERR_INVALID, "option --%s takes no value", option->name);
        }
        add(c, option, "");
        return 0;
    }
    if (equals) {
        add(c, option, equals + 1);
        return 0;
    }
    if (*i + 1 >= argc) {
        return err_set(err, ERR_INVALID, "option --%s needs a value: %s", option->name,
                       option->value);
    }
    add(c, option, argv[++*i]);
    return 0;
}

/* "-f", "-fv", "-oVALUE" or "-o VALUE". */
static int parse_short(struct cli *c, int argc, char **argv, int *i, struct err *err) {
    for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
        const struct cli_option *option = find(c->verb, "", 0, *p);
        if (option == NULL) {
            return err_set(err, ERR_INVALID, "there is no option -%c", *p);
        }
        if (option->value == NULL) {
            add(c, option, "");
            continue;
        }
        if (p[1] != '\0') {
            add(c, option, p + 1);
        } else if (*i + 1 < argc) {
            add(c, option, argv[++*i]);
        } else {
            return err_set(err, ERR_INVALID, "option -%c needs a value: %s", *p, option->value);
        }
        return 0;
    }
    return 0;
}

static const struct cli_verb *find_verb(const struct cli *c, const char *one, const char *two) {
    for (size_t i = 0; i < c->verbs_n; i++) {
        const char *name = c->verbs[i]->name;
        const char *blank = strchr(name, ' ');
        if (blank == NULL && strcmp(name, one) == 0) {
            return c->verbs[i];
        }
        if (blank != NULL && two != NULL && strncmp(name, one, (size_t)(blank - name)) == 0 &&
            one[blank - name] == '\0' && strcmp(blank + 1, two) == 0) {
            return c->verbs[i];
        }
    }
    return NULL;
}

/* "account" alone is no verb, but the start of several. */
/* The verb that is nearest to what was typed; NULL: none is near. */
static const char *meant_verb(const struct cli *c, const char *typed) {
    const char *meant = NULL;
    size_t best = NEAR_MAX;
    for (size_t i = 0; i < c->verbs_n; i++) {
        struct str name = str_c(c->verbs[i]->name);
        size_t distance = near_distance(str_c(typed), name);
        if (distance < best && near_enough(str_c(typed), name)) {
            meant = c->verbs[i]->name;
            best = distance;
        }
    }
    return meant;
}

static int unknown_verb(struct cli *c, const char *one, const char *two, struct err *err) {
    struct str second = STR_NONE;
    for (size_t i = 0; i < c->verbs_n; i++) {
        const char *name = c->verbs[i]->name;
        const char *blank = strchr(name, ' ');
        if (blank && strlen(one) == (size_t)(blank - name) &&
            strncmp(name, one, (size_t)(blank - name)) == 0) {
            second = second.p ? str_printf(&c->arena, STR_FMT ", %s", STR_ARG(second), blank + 1)
                              : str_c(blank + 1);
        }
    }
    if (second.p == NULL) {
        const char *meant = meant_verb(c, one);
        return err_set(err, ERR_INVALID, "there is no verb '%s'%s%s%s", one,
                       meant ? "; is it '" : "", meant ? meant : "", meant ? "'?" : "");
    }
    return two && two[0] != '-'
               ? err_set(err, ERR_INVALID, "there is no verb '%s %s'; %s has: " STR_FMT, one, two,
                         one, STR_ARG(second))
               : err_set(err, ERR_INVALID, "'%s' needs one of: " STR_FMT, one, STR_ARG(second));
}

static int parse_words(struct cli *c, int argc, char **argv, int i, struct err *err) {
    c->args = arena_new_n(&c->arena, const char *, (size_t)argc + 1);
    bool options = (c->verb->flags & CLI_RAW) == 0;
    for (; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            if (parse_long(c, argc, argv, &i, err) < 0) {
                return -1;
            }
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (parse_short(c, argc, argv, &i, err) < 0) {
                return -1;
            }
        } else {
            c->args[c->args_n++] = argv[i];
        }
    }
    return 0;
}

static int check_count(const struct cli *c, struct err *err) {
    const struct cli_verb *verb = c->verb;
    if (c->args_n < verb->min_args) {
        return err_set(err, ERR_INVALID, "needs %s", verb->args);
    }
    if (verb->max_args >= 0 && c->args_n > verb->max_args) {
        return err_set(err, ERR_INVALID, "'%s' is one argument too many", c->args[verb->max_args]);
    }
    return 0;
}

int options_parse(struct cli *c, int argc, char **argv, bool *ret_help, struct err *err) {
    *ret_help = false;
    c->program = argc > 0 ? argv[0] : "trunkline";
    if (argc < 2) {
        return err_set(err, ERR_INVALID, "a verb is missing");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        *ret_help = true;
        if (argc > 2) {
            c->verb = find_verb(c, argv[2], argc > 3 ? argv[3] : NULL);
            return c->verb ? 0 : unknown_verb(c, argv[2], argc > 3 ? argv[3] : NULL, err);
        }
        return 0;
    }
    c->verb = find_verb(c, argv[1], argc > 2 ? argv[2] : NULL);
    if (c->verb == NULL) {
        return unknown_verb(c, argv[1], argc > 2 ? argv[2] : NULL, err);
    }
    if (parse_words(c, argc, argv, strchr(c->verb->name, ' ') ? 3 : 2, err) < 0) {
        return -1;
    }
    *ret_help = cli_has(c, "help");
    c->json = cli_has(c, "json");
    return *ret_help ? 0 : check_count(c, err);
}

const char *cli_opt(const struct cli *c, const char *name) {
    for (size_t i = c->values.n; i > 0; i--) {
        if (strcmp(c->values.v[i - 1].option->name, name) == 0) {
            return c->values.v[i - 1].value;
        }
    }
    return NULL;
}

const char *cli_common(const struct cli *c, const char *name) {
    return find_in(c->verb->options, name, strlen(name), 0) ? NULL : cli_opt(c, name);
}

bool cli_has(const struct cli *c, const char *name) {
    return cli_opt(c, name) != NULL;
}

struct str_list cli_all(struct cli *c, const char *name) {
    struct str_list all = {0};
    for (size_t i = 0; i < c->values.n; i++) {
        if (strcmp(c->values.v[i].option->name, name) == 0) {
            *arena_push(&c->arena, &all) = str_c(c->values.v[i].value);
        }
    }
    return all;
}

int cli_number(const struct cli *c, const char *name, long long min, long long otherwise,
               long long *ret, struct err *err) {
    const char *text = cli_opt(c, name);
    *ret = otherwise;
    if (text == NULL) {
        return 0;
    }
    if (!str_to_i64(str_c(text), ret) || *ret < min) {
        return err_set(err, ERR_INVALID, "--%s: '%s' is not a whole number of at least %lld", name,
                       text, min);
    }
    return 0;
}
