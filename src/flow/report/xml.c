/* What the readers of XML formats share. */
#include "flow/report/reading.h"

enum { NS = 1000 * 1000 * 1000, COUNT_MAX = 1000 * 1000 * 1000 };

struct walk {
    struct reading *reading;
    const struct xml_format *format;
};

bool xml_is(const struct xml_element *e, const char *name) {
    return str_is(e->name, name);
}

bool xml_in(const struct xml_element *e, const char *parent) {
    return e->parent != NULL && str_is(e->parent->name, parent);
}

const struct xml_element *xml_above(const struct xml_element *e, const char *name) {
    const struct xml_element *above = e->parent;
    while (above != NULL && !xml_is(above, name)) {
        above = above->parent;
    }
    return above;
}

static int on_start(void *ud, const struct xml_element *e, struct err *err) {
    struct walk *w = ud;
    const char *const *roots = w->format->roots;
    bool known = xml_is(e, roots[0]) || (roots[1] != NULL && xml_is(e, roots[1]));
    if (e->parent == NULL && !known) {
        return err_set(err, ERR_INVALID, "expected element type <%s> but have <" STR_FMT ">",
                       roots[0], STR_ARG(str_sub(e->name, 0, 100)));
    }
    if (w->format->start != NULL) {
        w->format->start(w->reading, e);
    }
    return 0;
}

static int on_end(void *ud, const struct xml_element *e, struct err *err) {
    struct walk *w = ud;
    (void)err;
    w->format->end(w->reading, e);
    return 0;
}

int reading_xml(struct reading *r, const struct xml_format *format, struct str text,
                struct err *err) {
    struct walk walk = {r, format};
    struct xml_scanner scanner = {on_start, on_end, &walk};
    return xml_scan(&scanner, text, err);
}

int64_t reading_seconds(struct str text) {
    char plain[64];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof(plain); i++) {
        if (text.p[i] != ',') {
            plain[n++] = text.p[i];
        }
    }
    double seconds = 0;
    bool good = str_to_double(str_n(plain, n), &seconds);
    return good && seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * NS + 0.5) : 0;
}

int64_t reading_count(struct str text) {
    long long count = 0;
    return str_to_i64(text, &count) && count > 0 && count <= COUNT_MAX ? count : 0;
}

struct str reading_class_of(struct str name) {
    int depth = 0;
    for (size_t i = name.n; i > 0; i--) {
        char c = name.p[i - 1];
        depth += (c == ')' || c == ']' || c == '>') - (c == '(' || c == '[' || c == '<');
        if (c == '.' && depth <= 0) {
            return str_sub(name, 0, i - 1);
        }
    }
    return STR_NONE;
}
