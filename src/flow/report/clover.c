/* Clover's coverage: lines where they are told one by one (statements and conditions), else the
 * file's metrics. */
#include "flow/report/reading.h"

static void begin_file(struct reading *r, const struct xml_element *e) {
    struct str path = xml_attribute(e, "path");
    arena_done(&r->scratch);
    r->src = (struct report_source){
        .path = str_dup(&r->scratch, path.n > 0 ? path : xml_attribute(e, "name"))};
    r->open = true;
    r->by_line = false;
}

static void start(struct reading *r, const struct xml_element *e) {
    if (xml_is(e, "file")) {
        begin_file(r, e);
    }
}

static void take_line(struct reading *r, const struct xml_element *e) {
    struct str type = xml_attribute(e, "type");
    bool condition = str_is(type, "cond");
    int64_t yes = reading_count(xml_attribute(e, "truecount"));
    int64_t no = reading_count(xml_attribute(e, "falsecount"));
    if (!condition && !str_is(type, "stmt")) {
        return;
    }
    if (!r->by_line) {
        r->by_line = true;
        r->src.lines_covered = r->src.lines_missed = 0;
    }
    bool run = reading_count(xml_attribute(e, "count")) > 0 || yes > 0 || no > 0;
    r->src.lines_covered += run;
    r->src.lines_missed += !run;
}

static int64_t missed(int64_t all, int64_t covered) {
    return all > covered ? all - covered : 0;
}

static void take_metrics(struct reading *r, const struct xml_element *e) {
    int64_t conditions = reading_count(xml_attribute(e, "conditionals"));
    int64_t statements = reading_count(xml_attribute(e, "statements"));
    r->src.branches_covered = reading_count(xml_attribute(e, "coveredconditionals"));
    r->src.branches_missed = missed(conditions, r->src.branches_covered);
    if (!r->by_line) {
        r->src.lines_covered = reading_count(xml_attribute(e, "coveredstatements"));
        r->src.lines_missed = missed(statements, r->src.lines_covered);
    }
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    if (xml_is(e, "file")) {
        reading_source_done(r);
    } else if (xml_in(e, "file") && xml_is(e, "line")) {
        take_line(r, e);
    } else if (xml_in(e, "file") && xml_is(e, "metrics")) {
        take_metrics(r, e);
    }
}

int report_clover(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"coverage", NULL}, start, end};
    return reading_xml(r, &format, text, err);
}
