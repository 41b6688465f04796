/* SimpleCov's own JSON: .resultset.json ({command: {coverage: {path: ...}}}) and the coverage.json
 * of its JSON formatter ({coverage: {path: ...}}). A path holds {lines, branches}, or, in old
 * versions, the list of lines itself. null: not a line that could be run. */
#include "flow/report/reading.h"

#include "platform/text/json.h"

static void take_hits(const json_t *count, int64_t *covered, int64_t *missed) {
    if (json_is_integer(count)) {
        *covered += json_integer_value(count) > 0;
        *missed += json_integer_value(count) <= 0;
    }
}

/* {"[:if, 0, ...]": {"[:then, 1, ...]": 3, ...}}, or [{"type": "then", "coverage": 3}] */
static void take_branches(struct reading *r, json_t *branches) {
    size_t i = 0;
    json_t *one = NULL;
    const char *key = NULL;
    json_array_foreach(branches, i, one) {
        take_hits(json_object_get(one, "coverage"), &r->src.branches_covered,
                  &r->src.branches_missed);
    }
    json_object_foreach(branches, key, one) {
        const char *arm = NULL;
        json_t *count = NULL;
        json_object_foreach(one, arm, count) {
            take_hits(count, &r->src.branches_covered, &r->src.branches_missed);
        }
    }
}

static void take_file(struct reading *r, const char *path, json_t *file) {
    json_t *lines = json_is_array(file) ? file : json_object_get(file, "lines");
    size_t i = 0;
    json_t *count = NULL;
    r->src = (struct report_source){.path = str_c(path)};
    json_array_foreach(lines, i, count) {
        take_hits(count, &r->src.lines_covered, &r->src.lines_missed);
    }
    take_branches(r, json_object_get(file, "branches"));
    reading_source_done(r);
}

/* False when it is no object of files. */
static bool take_coverage(struct reading *r, json_t *coverage) {
    const char *path = NULL;
    json_t *file = NULL;
    json_object_foreach(coverage, path, file) {
        take_file(r, path, file);
    }
    return json_is_object(coverage);
}

int report_simplecov(struct reading *r, struct str text, struct err *err) {
    json_t *root cleanup_json = json_parse(text, err);
    const char *command = NULL;
    json_t *run = NULL;
    bool any = false;
    if (root == NULL) {
        return -1;
    }
    if (take_coverage(r, json_object_get(root, "coverage"))) {
        return 0;
    }
    json_object_foreach(root, command, run) {
        any = take_coverage(r, json_object_get(run, "coverage")) || any;
    }
    return any ? 0 : err_set(err, ERR_INVALID, "expected an object with member \"coverage\"");
}
