/* Implementation of services/cloudwatch/expression.h: a recursive descent that computes as it
 * reads. */
#include "services/cloudwatch/expression.h"

#include <math.h>

enum kind { SCALAR, SERIES, LIST };

struct value {
    enum kind kind;
    double scalar;
    double *series;     /* grid->n values */
    struct value *item; /* LIST: SERIES or SCALAR each */
    size_t n;
};

struct reader {
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    const struct expression_input *inputs;
    size_t n_inputs;
    const struct stat_series *grid;
    struct err *err;
};

static int read_comparison(struct reader *r, struct value *ret);

static int fail(struct reader *r, const char *what) {
    return err_set(r->err, ERR_INVALID, "Error in expression '" STR_FMT "' at position %zu: %s",
                   STR_ARG(r->text), r->at + 1, what);
}

static char peek(struct reader *r) {
    while (r->at < r->text.n && (r->text.p[r->at] == ' ' || r->text.p[r->at] == '\n')) {
        r->at++;
    }
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static bool take(struct reader *r, char c) {
    if (peek(r) != c) {
        return false;
    }
    r->at++;
    return true;
}

static double *new_series(struct reader *r) {
    return arena_new_n(r->arena, double, r->grid->n + 1);
}

static double value_at(const struct value *v, size_t i) {
    return v->kind == SCALAR ? v->scalar : v->series[i];
}

static double apply(char op, double x, double y) {
    switch (op) {
    case '+':
        return x + y;
    case '-':
        return x - y;
    case '*':
        return x * y;
    case '/':
        return y == 0 ? NAN : x / y; /* CloudWatch drops such a datapoint */
    case '^':
        return pow(x, y);
    case '<':
        return isnan(x) || isnan(y) ? NAN : x < y;
    case '>':
        return isnan(x) || isnan(y) ? NAN : x > y;
    case 'l':
        return isnan(x) || isnan(y) ? NAN : x <= y;
    case 'g':
        return isnan(x) || isnan(y) ? NAN : x >= y;
    case '=':
        return isnan(x) || isnan(y) ? NAN : x == y;
    default:
        return isnan(x) || isnan(y) ? NAN : x != y;
    }
}

static int combine(struct reader *r, char op, struct value *left, const struct value *right) {
    if (left->kind == LIST && right->kind == LIST) {
        return fail(r, "an operator takes one list at most");
    }
    if (left->kind == LIST || right->kind == LIST) {
        const struct value *list = left->kind == LIST ? left : right;
        struct value ret = {.kind = LIST, .n = list->n};
        ret.item = arena_new_n(r->arena, struct value, list->n + 1);
        for (size_t i = 0; i < list->n; i++) {
            ret.item[i] = left->kind == LIST ? left->item[i] : *left;
            const struct value *other = right->kind == LIST ? &right->item[i] : right;
            if (combine(r, op, &ret.item[i], other) < 0) {
                return -1;
            }
        }
        *left = ret;
        return 0;
    }
    if (left->kind == SCALAR && right->kind == SCALAR) {
        left->scalar = apply(op, left->scalar, right->scalar);
        return 0;
    }
    double *series = new_series(r);
    for (size_t i = 0; i < r->grid->n; i++) {
        series[i] = apply(op, value_at(left, i), value_at(right, i));
    }
    *left = (struct value){.kind = SERIES, .series = series};
    return 0;
}

static bool is_word(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static struct str read_word(struct reader *r) {
    size_t from = r->at;
    while (r->at < r->text.n && is_word(r->text.p[r->at], r->at == from)) {
        r->at++;
    }
    return str_sub(r->text, from, r->at - from);
}

/* One number out of many: SUM, AVG, MIN, MAX. Missing ones are left out. */
struct fold {
    double sum, min, max;
    size_t n;
};

static void fold_add(struct fold *f, double x) {
    if (isnan(x)) {
        return;
    }
    f->min = f->n == 0 || x < f->min ? x : f->min;
    f->max = f->n == 0 || x > f->max ? x : f->max;
    f->sum += x;
    f->n++;
}

static double fold_end(const struct fold *f, struct str name) {
    if (f->n == 0) {
        return NAN;
    }
    return str_is(name, "SUM")   ? f->sum
           : str_is(name, "AVG") ? f->sum / (double)f->n
           : str_is(name, "MIN") ? f->min
                                 : f->max;
}

/* Over a list: one value each period; over a series: one value of all periods. */
static int fold_all(struct reader *r, struct str name, const struct value *x, struct value *ret) {
    if (x->kind == SCALAR) {
        *ret = *x;
        return 0;
    }
    if (x->kind == SERIES) {
        struct fold f = {0};
        for (size_t i = 0; i < r->grid->n; i++) {
            fold_add(&f, x->series[i]);
        }
        *ret = (struct value){.kind = SCALAR, .scalar = fold_end(&f, name)};
        return 0;
    }
    double *series = new_series(r);
    for (size_t i = 0; i < r->grid->n; i++) {
        struct fold f = {0};
        for (size_t j = 0; j < x->n; j++) {
            fold_add(&f, value_at(&x->item[j], i));
        }
        series[i] = fold_end(&f, name);
    }
    *ret = (struct value){.kind = SERIES, .series = series};
    return 0;
}

static int map_all(struct reader *r, double (*fn)(double), const struct value *x,
                   struct value *ret) {
    *ret = *x;
    if (x->kind == SCALAR) {
        ret->scalar = fn(x->scalar);
    } else if (x->kind == SERIES) {
        ret->series = new_series(r);
        for (size_t i = 0; i < r->grid->n; i++) {
            ret->series[i] = fn(x->series[i]);
        }
    } else {
        ret->item = arena_new_n(r->arena, struct value, x->n + 1);
        for (size_t i = 0; i < x->n; i++) {
            if (map_all(r, fn, &x->item[i], &ret->item[i]) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* FILL(series, number | series | REPEAT). */
static void fill_series(struct reader *r, const struct value *with, bool repeat,
                        struct value *series) {
    double *filled = new_series(r);
    double last = NAN;
    for (size_t i = 0; i < r->grid->n; i++) {
        double x = value_at(series, i);
        filled[i] = !isnan(x) ? x : repeat ? last : value_at(with, i);
        last = filled[i];
    }
    *series = (struct value){.kind = SERIES, .series = filled};
}

static int fill(struct reader *r, struct value *x, const struct value *with, bool repeat) {
    if (with->kind == LIST) {
        return fail(r, "FILL takes a number, a series or REPEAT");
    }
    if (x->kind != LIST) {
        fill_series(r, with, repeat, x);
        return 0;
    }
    struct value *items = arena_new_n(r->arena, struct value, x->n + 1);
    for (size_t i = 0; i < x->n; i++) {
        items[i] = x->item[i];
        fill_series(r, with, repeat, &items[i]);
    }
    x->item = items;
    return 0;
}

static int choose(struct reader *r, const struct value *args, size_t n, struct value *ret) {
    const struct value none = {.kind = SCALAR, .scalar = NAN};
    const struct value *other = n > 2 ? &args[2] : &none;
    if (args[0].kind == LIST || args[1].kind == LIST || other->kind == LIST) {
        return fail(r, "IF takes no lists");
    }
    double *series = new_series(r);
    for (size_t i = 0; i < r->grid->n; i++) {
        double condition = value_at(&args[0], i);
        series[i] = isnan(condition)   ? NAN
                    : condition != 0.0 ? value_at(&args[1], i)
                                       : value_at(other, i);
    }
    *ret = (struct value){.kind = SERIES, .series = series};
    return 0;
}

static double count_one(double x) {
    return isnan(x) ? 0 : 1;
}

static void all_metrics(struct reader *r, struct value *ret) {
    *ret = (struct value){.kind = LIST};
    ret->item = arena_new_n(r->arena, struct value, r->n_inputs + 1);
    for (size_t i = 0; i < r->n_inputs; i++) {
        if (r->inputs[i].is_metric) {
            ret->item[ret->n++] = (struct value){.kind = SERIES, .series = r->inputs[i].series.v};
        }
    }
}

static int call_function(struct reader *r, struct str name, struct value *args, size_t n,
                         bool repeat, struct value *ret) {
    static const struct {
        const char *name;
        double (*fn)(double);
    } maps[] = {{"ABS", fabs}, {"CEIL", ceil}, {"FLOOR", floor}, {"DATAPOINT_COUNT", count_one}};
    if (str_is(name, "METRICS") && n == 0) {
        all_metrics(r, ret);
        return 0;
    }
    if (str_is(name, "IF") && (n == 2 || n == 3)) {
        return choose(r, args, n, ret);
    }
    if (str_is(name, "FILL") && n == (repeat ? 1u : 2u)) {
        *ret = args[0];
        return fill(r, ret, repeat ? &args[0] : &args[1], repeat);
    }
    if (str_is(name, "PERIOD") && n == 1) {
        *ret = (struct value){.kind = SCALAR, .scalar = (double)r->grid->period_ms / 1000};
        return 0;
    }
    if (n == 1 && (str_is(name, "SUM") || str_is(name, "AVG") || str_is(name, "MIN") ||
                   str_is(name, "MAX"))) {
        return fold_all(r, name, &args[0], ret);
    }
    for (size_t i = 0; n == 1 && i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (str_is(name, maps[i].name)) {
            return map_all(r, maps[i].fn, &args[0], ret);
        }
    }
    return err_set(r->err, ERR_UNSUPPORTED,
                   "Error in expression '" STR_FMT "': the function " STR_FMT
                   " with %zu arguments is not available here",
                   STR_ARG(r->text), STR_ARG(name), n);
}

static int read_call(struct reader *r, struct str name, struct value *ret) {
    struct value args[4];
    size_t n = 0;
    bool repeat = false;
    while (peek(r) != ')') {
        if (n > 0 && !take(r, ',')) {
            return fail(r, "expected ',' or ')'");
        }
        if (n == 4) {
            return fail(r, "too many arguments");
        }
        size_t from = (peek(r), r->at);
        if (str_is(name, "FILL") && n == 1 && str_is(read_word(r), "REPEAT")) {
            repeat = true;
            break;
        }
        r->at = from;
        if (read_comparison(r, &args[n++]) < 0) {
            return -1;
        }
    }
    if (!take(r, ')')) {
        return fail(r, "expected ')'");
    }
    return call_function(r, name, args, n, repeat, ret);
}

static int read_list(struct reader *r, struct value *ret) {
    struct {
        struct value *v;
        size_t n;
    } items = {0};
    while (peek(r) != ']') {
        struct value item;
        if (items.n > 0 && !take(r, ',')) {
            return fail(r, "expected ',' or ']'");
        }
        if (read_comparison(r, &item) < 0) {
            return -1;
        }
        if (item.kind == LIST) {
            return fail(r, "a list holds no lists");
        }
        *arena_push(r->arena, &items) = item;
    }
    r->at++;
    *ret = (struct value){.kind = LIST, .item = items.v, .n = items.n};
    return 0;
}

static int read_number(struct reader *r, struct value *ret) {
    size_t from = r->at;
    while (r->at < r->text.n) {
        char c = r->text.p[r->at];
        bool exponent = (c == '-' || c == '+') && r->at > from &&
                        (r->text.p[r->at - 1] == 'e' || r->text.p[r->at - 1] == 'E');
        if (!(c >= '0' && c <= '9') && c != '.' && c != 'e' && c != 'E' && !exponent) {
            break;
        }
        r->at++;
    }
    *ret = (struct value){.kind = SCALAR};
    return str_to_double(str_sub(r->text, from, r->at - from), &ret->scalar)
               ? 0
               : fail(r, "this is no number");
}

static int read_atom(struct reader *r, struct value *ret) {
    char c = peek(r);
    if (c == '(') {
        r->at++;
        if (read_comparison(r, ret) < 0) {
            return -1;
        }
        return take(r, ')') ? 0 : fail(r, "expected ')'");
    }
    if (c == '[') {
        r->at++;
        return read_list(r, ret);
    }
    if ((c >= '0' && c <= '9') || c == '.') {
        return read_number(r, ret);
    }
    if (!is_word(c, true)) {
        return fail(r, "expected a number, an id or a function");
    }
    struct str word = read_word(r);
    if (take(r, '(')) {
        return read_call(r, word, ret);
    }
    for (size_t i = 0; i < r->n_inputs; i++) {
        if (str_eq(r->inputs[i].id, word)) {
            *ret = (struct value){.kind = SERIES, .series = r->inputs[i].series.v};
            return 0;
        }
    }
    return err_set(r->err, ERR_INVALID,
                   "Error in expression '" STR_FMT "': Undefined identifier " STR_FMT,
                   STR_ARG(r->text), STR_ARG(word));
}

static int read_power(struct reader *r, struct value *ret) {
    if (++r->depth > EXPRESSION_DEPTH) {
        return fail(r, "nested too deep");
    }
    if (take(r, '-')) {
        struct value right;
        *ret = (struct value){.kind = SCALAR, .scalar = 0};
        if (read_power(r, &right) < 0) {
            return -1;
        }
        r->depth--;
        return combine(r, '-', ret, &right);
    }
    if (read_atom(r, ret) < 0) {
        return -1;
    }
    if (take(r, '^')) {
        struct value right;
        if (read_power(r, &right) < 0 || combine(r, '^', ret, &right) < 0) {
            return -1;
        }
    }
    r->depth--;
    return 0;
}

static int read_product(struct reader *r, struct value *ret) {
    if (read_power(r, ret) < 0) {
        return -1;
    }
    char op;
    while ((op = peek(r)) == '*' || op == '/') {
        struct value right;
        r->at++;
        if (read_power(r, &right) < 0 || combine(r, op, ret, &right) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_sum(struct reader *r, struct value *ret) {
    if (read_product(r, ret) < 0) {
        return -1;
    }
    char op;
    while ((op = peek(r)) == '+' || op == '-') {
        struct value right;
        r->at++;
        if (read_product(r, &right) < 0 || combine(r, op, ret, &right) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_comparison(struct reader *r, struct value *ret) {
    if (read_sum(r, ret) < 0) {
        return -1;
    }
    char op = peek(r);
    if (op != '<' && op != '>' && op != '=' && op != '!') {
        return 0;
    }
    r->at++;
    bool equals = r->at < r->text.n && r->text.p[r->at] == '=';
    if (equals) {
        r->at++;
    } else if (op == '=' || op == '!') {
        return fail(r, "expected '=='  or '!='");
    }
    char code = op == '<' ? (equals ? 'l' : '<') : op == '>' ? (equals ? 'g' : '>') : op;
    struct value right;
    if (read_sum(r, &right) < 0) {
        return -1;
    }
    return combine(r, code, ret, &right);
}

static struct stat_series as_series(struct reader *r, const struct value *v) {
    struct stat_series s = *r->grid;
    s.v = new_series(r);
    s.counts = new_series(r);
    for (size_t i = 0; i < s.n; i++) {
        s.v[i] = value_at(v, i);
        s.counts[i] = isnan(s.v[i]) ? 0 : 1;
    }
    return s;
}

int expression_eval(struct arena *a, struct str text, const struct expression_input *inputs,
                    size_t n_inputs, const struct stat_series *grid, struct expression_output *ret,
                    struct err *err) {
    struct reader r = {
        .arena = a, .text = text, .inputs = inputs, .n_inputs = n_inputs, .grid = grid, .err = err};
    struct value value;
    if (read_comparison(&r, &value) < 0) {
        return -1;
    }
    if (peek(&r) != '\0') {
        return fail(&r, "expected an operator");
    }
    *ret = (struct expression_output){.n = value.kind == LIST ? value.n : 1};
    ret->v = arena_new_n(a, struct stat_series, ret->n + 1);
    for (size_t i = 0; i < ret->n; i++) {
        ret->v[i] = as_series(&r, value.kind == LIST ? &value.item[i] : &value);
    }
    return 0;
}

void expression_ids(struct arena *a, struct str text, struct str_list *ret) {
    struct reader r = {.text = text};
    while (r.at < text.n) {
        char c = text.p[r.at];
        if (c >= '0' && c <= '9') { /* the exponent of a number is no id */
            while (r.at < text.n && (is_word(text.p[r.at], false) || text.p[r.at] == '.')) {
                r.at++;
            }
            continue;
        }
        if (!is_word(c, true)) {
            r.at++;
            continue;
        }
        struct str word = read_word(&r);
        if (peek(&r) != '(' && word.p[0] >= 'a' && word.p[0] <= 'z' && !str_list_has(ret, word)) {
            *arena_push(a, ret) = word;
        }
    }
}
