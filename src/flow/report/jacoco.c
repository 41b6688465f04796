/* JaCoCo's coverage: the LINE and BRANCH counters of source files. */
#include "flow/report/reading.h"

static void start(struct reading *r, const struct xml_element *e) {
    if (!xml_is(e, "sourcefile")) {
        return;
    }
    struct str package = xml_in(e, "package") ? xml_attribute(e->parent, "name") : S("");
    arena_done(&r->scratch);
    r->src = (struct report_source){.path = str_printf(&r->scratch, STR_FMT "%s" STR_FMT,
                                                       STR_ARG(package), package.n > 0 ? "/" : "",
                                                       STR_ARG(xml_attribute(e, "name")))};
    r->open = true;
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    if (xml_is(e, "sourcefile")) {
        reading_source_done(r);
    } else if (xml_is(e, "counter") && xml_in(e, "sourcefile")) {
        struct str type = xml_attribute(e, "type");
        int64_t covered = reading_count(xml_attribute(e, "covered"));
        int64_t missed = reading_count(xml_attribute(e, "missed"));
        if (str_is(type, "LINE")) {
            r->src.lines_covered = covered;
            r->src.lines_missed = missed;
        } else if (str_is(type, "BRANCH")) {
            r->src.branches_covered = covered;
            r->src.branches_missed = missed;
        }
    }
}

int report_jacoco(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"report", NULL}, start, end};
    return reading_xml(r, &format, text, err);
}
