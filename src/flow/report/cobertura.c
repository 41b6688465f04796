/* Cobertura's coverage: the lines of classes; classes of one file are added up. */
#include "flow/report/reading.h"

static void start(struct reading *r, const struct xml_element *e) {
    if (xml_is(e, "class")) {
        arena_done(&r->scratch);
        r->src = (struct report_source){.path = str_dup(&r->scratch, xml_attribute(e, "filename"))};
        r->open = true;
    }
}

/* "50% (1/2)" */
static void take_branches(struct reading *r, struct str text) {
    size_t open = str_find_c(text, '(', 0);
    size_t slash = str_find_c(text, '/', 0);
    size_t close = str_find_c(text, ')', 0);
    if (open == (size_t)-1 || slash == (size_t)-1 || close == (size_t)-1 || slash < open ||
        close < slash) {
        return;
    }
    int64_t covered = reading_count(str_sub(text, open + 1, slash - open - 1));
    int64_t all = reading_count(str_sub(text, slash + 1, close - slash - 1));
    r->src.branches_covered += covered;
    r->src.branches_missed += all > covered ? all - covered : 0;
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    if (xml_is(e, "class")) {
        reading_source_done(r);
        return;
    }
    bool of_class = xml_in(e, "lines") && xml_in(e->parent, "class"); /* methods repeat them */
    if (xml_is(e, "line") && of_class) {
        bool hit = reading_count(xml_attribute(e, "hits")) > 0;
        r->src.lines_covered += hit;
        r->src.lines_missed += !hit;
        take_branches(r, xml_attribute(e, "condition-coverage"));
    }
}

int report_cobertura(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"coverage", NULL}, start, end};
    return reading_xml(r, &format, text, err);
}
