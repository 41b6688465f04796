/* EventBridge's small languages. First byte mod 4: 0 any pattern up to a NUL against any JSON; 1 a
 * pattern and an event made of the bytes, beside a naive matcher; 2 schedules; 3 templates. */
#include "fuzz.h"

#include "base/buf.h"
#include "services/events/pattern.h"
#include "services/events/schedule.h"
#include "services/events/transform.h"

#include <stdio.h>

enum { DEPTH_MAX = 3, INPUT_MAX = 8192 };

struct input {
    const uint8_t *p;
    size_t n;
};

static unsigned next(struct input *in) {
    if (in->n == 0) {
        return 0;
    }
    in->n--;
    return *in->p++;
}

/* ---- made of bytes ---- */

static const char *const texts[] = {"", "a", "b", "ab", "aab", "abab", "A", "*", "b*"};
enum { N_TEXTS = sizeof(texts) / sizeof(texts[0]) };

static json_t *make_scalar(struct input *in) {
    switch (next(in) % 6) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(next(in) % 2);
    case 2:
        return json_integer((int)(next(in) % 7) - 3);
    case 3:
        return json_real(((int)(next(in) % 7) - 3) / 2.0);
    default:
        return json_string(texts[next(in) % N_TEXTS]);
    }
}

static json_t *make_value(struct input *in, int depth) {
    static const char *const keys[] = {"a", "b", "c"};
    unsigned choice = next(in) % 5;
    if (choice == 0 && depth < DEPTH_MAX) {
        json_t *o = json_object();
        for (unsigned n = next(in) % 4; n > 0; n--) {
            json_object_set_new(o, keys[next(in) % 3], make_value(in, depth + 1));
        }
        return o;
    }
    if (choice == 1) {
        json_t *list = json_array();
        for (unsigned n = next(in) % 3; n > 0; n--) {
            json_array_append_new(list, make_scalar(in));
        }
        return list;
    }
    return make_scalar(in);
}

static json_t *single(const char *key, json_t *value) {
    json_t *o = json_object();
    json_object_set_new(o, key, value);
    return o;
}

static json_t *make_text_test(struct input *in) {
    static const char *const ops[] = {"prefix", "suffix", "equals-ignore-case"};
    static const char *const wild[] = {"*",  "a*",    "*b",  "a*b",  "*a*b*",
                                       "ab", "a*a*b", "\\*", "b\\*", "*\\**"};
    unsigned choice = next(in) % 4;
    return choice == 3 ? single("wildcard", json_string(wild[next(in) % 10]))
                       : single(ops[choice], json_string(texts[1 + next(in) % (N_TEXTS - 1)]));
}

static json_t *make_range(struct input *in) {
    json_t *list = json_array();
    json_array_append_new(list, json_string(next(in) % 2 ? ">" : ">="));
    json_array_append_new(list, json_integer((int)(next(in) % 4) - 3));
    if (next(in) % 2) {
        json_array_append_new(list, json_string(next(in) % 2 ? "<" : "<="));
        json_array_append_new(list, json_integer((int)(next(in) % 4) + 1));
    }
    return single("numeric", list);
}

static json_t *make_test(struct input *in) {
    switch (next(in) % 7) {
    case 0:
        return single("exists", json_boolean(next(in) % 2));
    case 1:
        return make_range(in);
    case 2:
        return make_text_test(in);
    case 3:
        return single("anything-but", json_string(texts[next(in) % N_TEXTS]));
    case 4:
        return single("anything-but", make_text_test(in));
    default:
        return make_scalar(in);
    }
}

static json_t *make_pattern(struct input *in, int depth) {
    static const char *const keys[] = {"a", "b", "c", "$or"};
    json_t *o = json_object();
    for (unsigned n = 1 + next(in) % 3; n > 0; n--) {
        const char *key = keys[next(in) % 4];
        json_t *list = json_array();
        if (strcmp(key, "$or") == 0 && depth < DEPTH_MAX) {
            json_array_append_new(list, make_pattern(in, depth + 1));
            json_array_append_new(list, make_pattern(in, depth + 1));
        } else if (next(in) % 3 == 0 && depth < DEPTH_MAX) {
            json_decref(list);
            list = make_pattern(in, depth + 1);
        } else {
            for (unsigned k = 1 + next(in) % 3; k > 0; k--) {
                json_array_append_new(list, make_test(in));
            }
        }
        json_object_set_new(o, key[0] == '$' && !json_is_array(list) ? "a" : key, list);
    }
    return o;
}

/* ---- the naive matcher: the pattern's own JSON, all ways tried ---- */

static bool naive_wild(const char *p, const char *t) {
    if (*p == '\0') {
        return *t == '\0';
    }
    if (*p == '*') {
        return naive_wild(p + 1, t) || (*t != '\0' && naive_wild(p, t + 1));
    }
    p += *p == '\\';
    return *p == *t && naive_wild(p + 1, t + 1);
}

static bool naive_range(const json_t *terms, double x) {
    for (size_t i = 0; i < json_array_size(terms); i += 2) {
        const char *op = json_string_value(json_array_get(terms, i));
        double y = json_number_value(json_array_get(terms, i + 1));
        bool good = strcmp(op, ">") == 0    ? x > y
                    : strcmp(op, ">=") == 0 ? x >= y
                    : strcmp(op, "<") == 0  ? x < y
                                            : x <= y;
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool naive_test(const json_t *test, const json_t *x) {
    if (!json_is_object(test)) {
        return json_is_number(test) && json_is_number(x)
                   ? json_number_value(test) == json_number_value(x)
                   : json_typeof(test) == json_typeof(x) && json_equal(test, x);
    }
    const char *op = json_object_iter_key(json_object_iter((json_t *)test));
    const json_t *value = json_object_get(test, op);
    struct str text = json_text(x);
    if (strcmp(op, "exists") == 0) {
        return json_is_true(value);
    }
    if (strcmp(op, "anything-but") == 0) {
        return !naive_test(value, x);
    }
    if (strcmp(op, "numeric") == 0) {
        return json_is_number(x) && naive_range(value, json_number_value(x));
    }
    if (text.p == NULL) {
        return false;
    }
    return strcmp(op, "prefix") == 0   ? str_starts(text, json_text(value))
           : strcmp(op, "suffix") == 0 ? str_ends(text, json_text(value))
           : strcmp(op, "wildcard") == 0
               ? naive_wild(json_string_value(value), json_string_value(x))
               : str_ieq(text, json_text(value));
}

/* Lists of tests against all scalars of a field; none of them is absence. */
static bool naive_leaf(const json_t *tests, const json_t *value) {
    const json_t *one[] = {value};
    size_t n = json_is_array(value)                     ? json_array_size(value)
               : value == NULL || json_is_object(value) ? 0
                                                        : 1;
    for (size_t k = 0; k < json_array_size(tests); k++) {
        const json_t *test = json_array_get(tests, k);
        if (n == 0 && json_is_false(json_object_get(test, "exists"))) {
            return true;
        }
        for (size_t i = 0; i < n; i++) {
            if (naive_test(test, json_is_array(value) ? json_array_get(value, i) : one[0])) {
                return true;
            }
        }
    }
    return false;
}

static bool naive(const json_t *pattern, const json_t *value) {
    const char *key;
    json_t *p;
    json_object_foreach((json_t *)pattern, key, p) {
        bool relation = strcmp(key, "$or") == 0 && json_is_array(p) && json_array_size(p) == 2 &&
                        json_is_object(json_array_get(p, 0)) &&
                        json_is_object(json_array_get(p, 1));
        for (size_t i = 0; relation && i < 2; i++) { /* an operator's name makes it a field */
            const char *own = json_object_iter_key(json_object_iter(json_array_get(p, i)));
            relation = own != NULL && (own[1] == '\0' || own[0] == '$');
        }
        bool good = relation
                        ? naive(json_array_get(p, 0), value) || naive(json_array_get(p, 1), value)
                    : json_is_object(p) ? naive(p, json_object_get(value, key))
                                        : naive_leaf(p, json_object_get(value, key));
        if (!good) {
            return false;
        }
    }
    return true;
}

static void compare(struct input in) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ev_pattern *compiled = NULL;
    json_t *pattern cleanup_json = make_pattern(&in, 0);
    json_t *event cleanup_json = json_object();
    static const char *const keys[] = {"a", "b", "c", "$or"};
    for (int i = 0; i < 4; i++) {
        if (next(&in) % 4 != 0) {
            json_object_set_new(event, keys[i], make_value(&in, 1));
        }
    }
    struct str text = json_dump_str(&a, pattern);
    if (ev_pattern_compile(&a, text, &compiled, &err) == 0) {
        bool expected = naive(pattern, event);
        if (ev_pattern_match(compiled, event) != expected) {
            fprintf(stderr, "%.*s against %.*s: not %d\n", STR_ARG(text),
                    STR_ARG(json_dump_str(&a, event)), !expected);
            abort();
        }
    }
    arena_done(&a);
}

/* ---- any bytes ---- */

static void any_pattern(struct str rest) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ev_pattern *p = NULL;
    struct str text = STR_NONE;
    str_cut(&rest, '\0', &text);
    int result = ev_pattern_compile(&a, text, &p, &err);
    FUZZ_MUST(result == 0 || err.msg[0] != '\0');
    json_t *event cleanup_json = rest.p != NULL ? json_parse(rest, &err) : NULL;
    if (result == 0 && event != NULL) {
        ev_pattern_match(p, event);
    }
    arena_done(&a);
}

static void any_schedule(struct str text) {
    struct schedule s;
    struct err err = ERR_INIT;
    int64_t now_ms = 1795485120123;
    if (schedule_parse(text, &s, &err) < 0) {
        FUZZ_MUST(err.msg[0] != '\0');
        return;
    }
    int64_t at_ms = schedule_next(&s, now_ms, now_ms);
    FUZZ_MUST(at_ms == -1 || (at_ms > now_ms && schedule_next(&s, now_ms, at_ms - 1) == at_ms));
    FUZZ_MUST(at_ms == -1 || s.period_ms > 0 || at_ms % 60000 == 0);
}

static bool is_json(struct str text) {
    text = str_trim(text);
    while (text.n > 0) {
        json_error_t why;
        json_t *one = json_loadb(text.p, text.n,
                                 JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &why);
        if (one == NULL) {
            return false;
        }
        json_decref(one);
        text = str_trim(str_sub(text, (size_t)why.position, text.n));
    }
    return true;
}

/* A template that is taken makes JSON of every event. */
static void any_template(struct str rest) {
    static const char event_text[] =
        "{\"detail\":{\"a\":\"q\\\"\\\\\\n\",\"b\":[1,{\"c\":\"x\"}],\"d\":null},\"id\":\"1\"}";
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str path = STR_NONE, out;
    str_cut(&rest, '\0', &path);
    struct str_pair pairs[] = {
        {S("p"), path}, {S("a"), S("$.detail.a")}, {S("b"), S("$.detail.b")}};
    const struct str_map paths = {pairs, 3};
    const struct transform_about about = {S("arn"), S("rule"), 0};
    json_t *event cleanup_json = json_parse(str_c(event_text), &err);
    if (rest.p != NULL && transform_template_check(&paths, rest, &err) == 0 &&
        transform_template(&a, event, &about, &paths, rest, &out, &err) == 0) {
        FUZZ_MUST(is_json(out));
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    struct str rest = fuzz_str(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        any_pattern(rest);
        break;
    case 1:
        compare((struct input){data + 1, size - 1});
        break;
    case 2:
        any_schedule(rest);
        break;
    default:
        any_template(rest);
        break;
    }
    return 0;
}
